"""The stand-in for PagerDuty: the Events API v2, and incidents over REST."""

from ticketing.sandbox.pagerduty.api import PagerDuty
from ticketing.sandbox.pagerduty.credentials import section

STAND_IN = PagerDuty

__all__ = ["STAND_IN", "section"]
