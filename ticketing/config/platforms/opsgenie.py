"""The settings of OpsGenie and of its successor, Jira Service Management."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.values import Choice, KnownSeverity, Name, Secret, Url, mapping, over, without

OpsGeniePriority = Literal["P1", "P2", "P3", "P4", "P5"]

_PRIORITIES = mapping("P1", "P2", "P3", "P4")


class OpsGenie(PlatformSection):
    """OpsGenie, or Jira Service Management operations, its successor."""

    title = "OpsGenie"

    flavour: Literal["opsgenie", "jsm"] = "opsgenie"
    """Form of the API; OpsGenie's own ends on 2027-04-05."""
    region: Literal["us", "eu"] = "us"
    """The account's service region; sets the default address."""
    api_url: Annotated[Url, without("/v2/alerts", "/v2")] = Field(
        default_factory=lambda given: (
            "https://api.atlassian.com"
            if given.get("flavour") == "jsm"
            else f"https://api.{'eu.' if given.get('region') == 'eu' else ''}opsgenie.com"
        )
    )
    """Address of the API."""
    api_key: Secret | None = None
    """Key of an API integration (not of API key management)."""
    team: Name | None = None
    """Team of incidents for which no other is chosen."""
    teams: Choice = Choice()
    """Team names."""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=50)], ...] = Field(
        default=(), max_length=15
    )
    """Tags in addition to our own."""
    priority_mapping: Annotated[
        dict[KnownSeverity, OpsGeniePriority], BeforeValidator(over(_PRIORITIES))
    ] = Field(default_factory=dict)
    """OpsGenie's priority for each severity."""
    schedule: Name | None = None
    """Name of the schedule whose people on call are shown on the incident."""
    escalation: Name | None = None
    """Name of the escalation that an escalated alert goes to."""
    cloud_id: Name | None = None
    """Id of the Atlassian site; `jsm` needs it to escalate and to show who is on call."""
    user_email: Name | None = None
    """Account of `apiToken`; `jsm` only."""
    api_token: Secret | None = None
    """Atlassian API token; `jsm` only."""

    def required(self) -> Iterator[Required]:
        """The integration's key; all or none of the Atlassian account's settings."""
        yield Required("apiKey")
        account = (self.cloud_id, self.user_email, self.api_token)
        if self.flavour == "jsm" and any(account):
            for key in ("cloudId", "userEmail", "apiToken"):
                yield Required(key, ", as cloudId, userEmail and apiToken go together")

    def ticket_places(self) -> Iterator[str]:
        """The account's site, at OpsGenie's domain."""
        yield "https://*.opsgenie.com"

    def contradictions(self) -> Iterator[Contradiction]:
        """In Jira Service Management, escalations and schedules need the Atlassian account."""
        account = (self.cloud_id, self.user_email, self.api_token)
        if self.flavour == "jsm" and not any(account):
            for key, given in (("escalation", self.escalation), ("schedule", self.schedule)):
                if given:
                    text = "needs cloudId, userEmail and apiToken while flavour is jsm"
                    yield Contradiction((key,), text)

    def basic_credentials(self) -> Iterator[tuple[str | None, SecretStr | None]]:
        """The Atlassian account."""
        yield self.user_email, self.api_token
