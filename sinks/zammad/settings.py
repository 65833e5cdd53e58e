"""The settings of the Zammad sink, from the configuration."""

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
        """The settings in the section `zammad`."""
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
        """The group for a new ticket."""
        return self.groups.choose(incident.service, incident.tenant, incident.severity, self.group)

    def priority_for(self, incident: Incident) -> str:
        """The priority of the severity; without an escalation group, escalated counts as critical."""
        alone = incident.status is Status.ESCALATED and not self.escalation_group
        return self.priorities[Severity.CRITICAL if alone else incident.severity.nearest]

    def page(self, ticket_id: str) -> str:
        """The address of a ticket's page."""
        return f"{self.base_url}/#ticket/zoom/{ticket_id}"
