"""The settings of the Zammad sink, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinks.text.services import NONE, Services
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
    fields: Mapping[str, Any] = field(default_factory=dict)
    services: Services = NONE

    @classmethod
    def of(cls, config: Zammad, services: Services = NONE) -> Settings:
        """The settings in the section `zammad`, with the catalog."""
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
            fields=config.fields,
            services=services,
        )

    def group_for(self, incident: Incident) -> str:
        """The group for a new ticket."""
        return self.groups.choose(
            incident.service,
            incident.tenant,
            incident.severity,
            self.group,
            self.services.entry(incident.service).group,
        )

    def priority_for(self, incident: Incident) -> str:
        """The priority of the severity; without an escalation group, escalated counts as critical."""
        alone = incident.status is Status.ESCALATED and not self.escalation_group
        return self.priorities[Severity.CRITICAL if alone else incident.severity.nearest]

    def page(self, ticket_id: str) -> str:
        """The address of a ticket's page."""
        return f"{self.base_url}/#ticket/zoom/{ticket_id}"
