"""Faust as this project needs it: batched, durable and watched. Knows nothing of incidents."""
