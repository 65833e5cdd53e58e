"""The registry of platforms: one line each, from which everything that lists platforms derives.

A platform's other parts are found by its name: `sinks/<name>/client.py`, `sinks/<name>/dry_run.py`,
`ticketing/sandbox/<name>/`, `tests/contract/platforms/<name>.py`. How one is added stands in
docs/adding-a-platform.md.
"""

from __future__ import annotations

from ticketing.config.platforms.jira import Jira
from ticketing.config.platforms.opsgenie import OpsGenie
from ticketing.config.platforms.pagerduty import PagerDuty
from ticketing.config.platforms.platform import Platform
from ticketing.config.platforms.servicenow import ServiceNow
from ticketing.config.platforms.slack import Slack
from ticketing.config.platforms.zammad import Zammad
from ticketing.config.values import Section

__all__ = ["PLATFORMS", "SECTIONS", "Platform", "PlatformSections"]


class PlatformSections(Section):
    """The platforms, as sections of the configuration: the name of a field is that of a platform."""

    pagerduty: PagerDuty = PagerDuty()
    """PagerDuty."""
    jira: Jira = Jira()
    """Jira Cloud or Data Center."""
    servicenow: ServiceNow = ServiceNow()
    """ServiceNow."""
    opsgenie: OpsGenie = OpsGenie()
    """OpsGenie, or Jira Service Management operations."""
    slack: Slack = Slack()
    """Slack."""
    zammad: Zammad = Zammad()
    """Zammad."""


SECTIONS: dict[str, type[Platform]] = {name: type(section) for name, section in PlatformSections()}
"""Each platform's class of settings, by its name, in the order of the registry."""
PLATFORMS = tuple(SECTIONS)
"""The names of all platforms."""
