"""PagerDuty: alerts through the Events API v2."""
