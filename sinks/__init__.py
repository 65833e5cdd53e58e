"""The way out: sink agents, the reconcile loop, one package per platform."""
