"""The platforms the sandbox stands in for."""

from __future__ import annotations

from ticketing.sandbox.jira import Jira
from ticketing.sandbox.pagerduty import PagerDuty
from ticketing.sandbox.platform import Platform
from ticketing.sandbox.servicenow import ServiceNow
from ticketing.sandbox.slack import Slack

PLATFORMS: tuple[type[Platform], ...] = (PagerDuty, Slack, Jira, ServiceNow)
