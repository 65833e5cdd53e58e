"""The stand-in for Jira: Cloud (REST v3) and Data Center (REST v2)."""

from ticketing.sandbox.jira.api import Jira
from ticketing.sandbox.jira.credentials import section

STAND_IN = Jira

__all__ = ["STAND_IN", "section"]
