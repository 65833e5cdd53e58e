"""The settings of the OpsGenie sink, from the configuration."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sinks.text.services import NONE, Services
from ticketing.config.platforms.opsgenie import OpsGenie
from ticketing.config.values import Choice, reveal
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

_PAGES = {"api.opsgenie.com": "app.opsgenie.com", "api.eu.opsgenie.com": "app.eu.opsgenie.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Addresses, credentials, routing and mappings."""

    api_url: str
    jsm: bool
    api_key: str
    team: str
    teams: Choice
    tags: tuple[str, ...]
    priorities: Mapping[Severity, str]
    schedule: str
    escalation: str
    cloud_id: str
    user_email: str
    api_token: str
    services: Services = NONE

    @classmethod
    def of(cls, config: OpsGenie, services: Services = NONE) -> Settings:
        """The settings in the section `opsgenie`, with the catalog."""
        return cls(
            api_url=config.api_url.rstrip("/"),
            jsm=config.flavour == "jsm",
            api_key=reveal(config.api_key),
            team=config.team or "",
            teams=config.teams,
            tags=config.tags,
            priorities={name: str(to) for name, to in config.priority_mapping.items()},
            schedule=config.schedule or "",
            escalation=config.escalation or "",
            cloud_id=config.cloud_id or "",
            user_email=config.user_email or "",
            api_token=reveal(config.api_token),
            services=services,
        )

    @property
    def basic(self) -> str:
        """User and token for the Authorization header."""
        return base64.b64encode(f"{self.user_email}:{self.api_token}".encode()).decode()

    def secrets(self) -> list[str]:
        """The secrets to mask, the token also as it stands in the header."""
        token = [self.api_token, self.basic] if self.api_token else []
        return [self.api_key, *token]

    @property
    def full(self) -> bool:
        """True if alerts can also be read, changed and escalated, not only opened and closed."""
        return not self.jsm or bool(self.cloud_id and self.user_email and self.api_token)

    def team_for(self, incident: Incident) -> str:
        """The team for a new alert; empty for the integration's own."""
        return self.teams.choose(
            incident.service,
            incident.tenant,
            incident.severity,
            self.team,
            self.services.entry(incident.service).team,
        )

    def known_teams(self) -> list[str]:
        """Every configured team, sorted."""
        return sorted({self.team, *self.teams.names()} - {""})

    def page(self, alert_id: str) -> str:
        """The address of an alert's page; empty if the API's address does not tell."""
        host = _PAGES.get(urlsplit(self.api_url).hostname or "")
        return f"https://{host}/alert/detail/{alert_id}/details" if host else ""
