"""Secrets and personal data in a text: found by their form, and replaced by their kind."""
