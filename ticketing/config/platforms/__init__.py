"""The registry of platforms: a line each, the source of every list of platforms.

The other parts of a platform are found by name: `sinks/<name>/client.py`,
`sinks/<name>/dry_run.py`, `ticketing/sandbox/<name>/`, `tests/contract/platforms/<name>.py`.
docs/adding-a-platform.md has the steps to add one.
"""

from __future__ import annotations

from ticketing.config.platforms.jira import Jira
from ticketing.config.platforms.opsgenie import OpsGenie
from ticketing.config.platforms.pagerduty import PagerDuty
from ticketing.config.platforms.platform import PlatformSection
from ticketing.config.platforms.servicenow import ServiceNow
from ticketing.config.platforms.slack import Slack
from ticketing.config.platforms.zammad import Zammad
from ticketing.config.values import Section

__all__ = ["PLATFORMS", "SECTIONS", "PlatformSection", "PlatformSections"]


class PlatformSections(Section):
    """The platforms' sections of the configuration; a field has the name of its platform."""

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


SECTIONS: dict[str, type[PlatformSection]] = {
    name: type(section) for name, section in PlatformSections()
}
"""The class of settings of each platform, by name, in the order of the registry."""
PLATFORMS = tuple(SECTIONS)
"""The names of all platforms."""
