"""The platforms the sandbox stands in for."""

from __future__ import annotations

from ticketing.sandbox.jira import Jira
from ticketing.sandbox.opsgenie import OpsGenie
from ticketing.sandbox.pagerduty import PagerDuty
from ticketing.sandbox.platform import Platform
from ticketing.sandbox.servicenow import ServiceNow
from ticketing.sandbox.slack import Slack
from ticketing.sandbox.zammad import Zammad

PLATFORMS: tuple[type[Platform], ...] = (PagerDuty, Jira, ServiceNow, OpsGenie, Slack, Zammad)
