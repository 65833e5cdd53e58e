"""The settings of the PagerDuty sink, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sinks.calls.references import reference
from ticketing.config.platforms.pagerduty import PagerDuty
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Routing keys and mappings, and with `api_token` the settings of the REST API."""

    api_url: str
    routing_key: str
    keys_by_severity: Mapping[Severity, str]
    keys_by_service: Mapping[str, str]
    severity_mapping: Mapping[Severity, str]
    auto_acknowledge: frozenset[Severity]
    rest_url: str = ""
    api_token: str = ""
    from_email: str = ""
    escalation_policies: Choice = field(default_factory=Choice)
    priorities: Mapping[Severity, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: PagerDuty) -> Settings:
        """The settings in the section `pagerduty`."""
        return cls(
            api_url=config.api_url.rstrip("/"),
            routing_key=reveal(config.routing_key),
            keys_by_severity={name: reveal(key) for name, key in config.routing_keys.items()},
            keys_by_service={name: reveal(key) for name, key in config.services.items()},
            severity_mapping={name: str(to) for name, to in config.severity_mapping.items()},
            auto_acknowledge=frozenset(config.auto_acknowledge),
            rest_url=config.rest_url.rstrip("/"),
            api_token=reveal(config.api_token),
            from_email=config.from_email or "",
            escalation_policies=config.escalation_policies,
            priorities=config.priorities,
        )

    def key_for(self, incident: Incident) -> str:
        """The routing key for a new alert: by service, else by severity, else the general one."""
        by_severity = self.keys_by_severity.get(incident.severity.nearest, self.routing_key)
        return self.keys_by_service.get(incident.service, by_severity)

    def policy_for(self, incident: Incident) -> str:
        """The escalation policy for an escalated incident; empty to raise its level instead."""
        return self.escalation_policies.choose(incident.service, incident.tenant, incident.severity)

    def keys(self) -> dict[str, str]:
        """Every configured routing key by its reference."""
        configured = [
            self.routing_key,
            *self.keys_by_severity.values(),
            *self.keys_by_service.values(),
        ]
        return {reference(key): key for key in configured if key}

    def secrets(self) -> list[str]:
        """The secrets to mask."""
        return [*self.keys().values(), *([self.api_token] if self.api_token else [])]
