"""Summaries by a language model: what it is told, how it is asked, and what that may cost."""
