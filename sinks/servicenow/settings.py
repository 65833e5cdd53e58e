"""The settings of the ServiceNow sink, from the configuration."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sinks.text.services import NONE, Services
from ticketing.config.platforms.servicenow import ServiceNow
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Address, account, choices and mappings."""

    base_url: str
    table: str
    user: str
    password: str
    client_id: str
    client_secret: str
    group: str
    groups: Choice
    escalation_group: str
    impacts: Mapping[Severity, str]
    urgencies: Mapping[Severity, str]
    caller: str
    cmdb_table: str
    close_code: str
    close_notes: str
    fields: Mapping[str, Any]
    resolve_fields: Mapping[str, Any]
    affected_cis: bool
    services: Services = NONE

    @classmethod
    def of(cls, config: ServiceNow, services: Services = NONE) -> Settings:
        """The settings in the section `servicenow`, with the catalog."""
        return cls(
            base_url=config.base_url.rstrip("/"),
            table=config.table,
            user=config.username or "",
            password=reveal(config.password),
            client_id=config.client_id or "",
            client_secret=reveal(config.client_secret),
            group=config.assignment_group or "",
            groups=config.assignment_groups,
            escalation_group=config.escalation_group or "",
            impacts=config.impact_mapping,
            urgencies=config.urgency_mapping,
            caller=config.caller_id or "",
            cmdb_table="" if config.cmdb_table.lower() == OFF else config.cmdb_table,
            close_code=config.close_code,
            close_notes=config.close_notes,
            fields=config.fields,
            resolve_fields=config.resolve_fields,
            affected_cis=config.affected_cis,
            services=services,
        )

    @property
    def oauth(self) -> bool:
        """True if requests carry a bearer token instead of a password."""
        return bool(self.client_id)

    @property
    def basic(self) -> str:
        """User and password for the Authorization header."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def secrets(self) -> list[str]:
        """The secrets to mask, the password also as it stands in the header."""
        shown = [self.password, self.client_secret]
        return [*filter(None, shown), *([self.basic] if self.password else [])]

    def chosen_group(self, incident: Incident) -> str:
        """The group that the configuration chooses for the incident; empty without a choice."""
        return self.groups.choose(
            incident.service,
            incident.tenant,
            incident.severity,
            catalog=self.services.entry(incident.service).group,
        )

    def ci_for(self, service: str) -> str:
        """The name or sys_id of a service's configuration item by the catalog; or nothing."""
        return self.services.entry(service).ci or ""

    def levels(self, incident: Incident) -> dict[str, str]:
        """Impact and urgency, from which ServiceNow derives the priority."""
        escalated = incident.escalated_at is not None
        severity = Severity.CRITICAL if escalated else incident.severity.nearest
        return {"impact": self.impacts[severity], "urgency": self.urgencies[severity]}

    def link(self, sys_id: str) -> str:
        """The address of a record's page."""
        inner = quote(f"{self.table}.do?sys_id={sys_id}", safe="")
        return f"{self.base_url}/nav_to.do?uri={inner}"
