"""Evidence that adds up over workers: tallies of requests, what they say, and causes."""
