"""The rules of incidents, pure and of the standard library only."""
