"""Judges the product by recordings with labels: the whole job in memory, under a virtual clock."""
