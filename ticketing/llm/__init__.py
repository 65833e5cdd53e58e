"""Summaries by a language model: prompt, providers, budget."""
