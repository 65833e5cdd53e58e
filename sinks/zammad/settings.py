"""What the Zammad sink needs of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ticketing.config.platforms.zammad import Zammad, ZammadStates
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity

GUESS = "guess:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Address, credentials, routing and names."""

    base_url: str
    token: str
    group: str
    groups: Choice
    escalation_group: str
    customer: str
    owner: str
    states: ZammadStates
    priorities: Mapping[Severity, str]
    tags: tuple[str, ...]

    @classmethod
    def of(cls, config: Zammad) -> Settings:
        """From the section `zammad`."""
        return cls(
            base_url=(config.base_url or "").rstrip("/"),
            token=reveal(config.token),
            group=config.group,
            groups=config.groups,
            escalation_group=config.escalation_group or "",
            customer=config.customer or "",
            owner=config.owner or "",
            states=config.states,
            priorities=config.priority_mapping,
            tags=config.tags,
        )

    def group_for(self, incident: Incident) -> str:
        """The group that a new ticket goes to."""
        return self.groups.choose(incident.service, incident.tenant, incident.severity, self.group)

    def priority_for(self, incident: Incident) -> str:
        """By severity; where there is no group to escalate to, escalated counts as critical."""
        alone = incident.status is Status.ESCALATED and not self.escalation_group
        return self.priorities[Severity.CRITICAL if alone else incident.severity]

    def page(self, ticket_id: str) -> str:
        """Where people read the ticket."""
        return f"{self.base_url}/#ticket/zoom/{ticket_id}"
