"""The stand-in for OpsGenie, and for the two APIs of Jira Service Management that follow it."""

from ticketing.sandbox.opsgenie.api import OpsGenie
from ticketing.sandbox.opsgenie.credentials import section

STAND_IN = OpsGenie

__all__ = ["STAND_IN", "section"]
