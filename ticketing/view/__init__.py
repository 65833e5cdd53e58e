"""The view of all incidents in Redis, and the incident as the API shows it."""
