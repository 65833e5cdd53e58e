"""Sinks: the sink agent, delivery by reconciling, and one package per platform."""
