"""Zammad: a ticket per incident, with an article for every step."""
