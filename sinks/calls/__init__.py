"""HTTP calls to platforms: the client, outcomes, rate limits, retries and dry runs."""
