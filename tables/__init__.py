"""Faust tables: their records and encodings."""
