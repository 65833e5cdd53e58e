"""The settings of PagerDuty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ticketing.config.platforms.platform import Contradiction, PlatformSection, Required
from ticketing.config.values import (
    BySeverity,
    Choice,
    KnownSeverity,
    Name,
    Rate,
    Secret,
    Url,
    mapping,
    over,
    without,
)
from ticketing.domain.severity import Severity

PagerDutySeverity = Literal["critical", "error", "warning", "info"]

_SEVERITIES = mapping("critical", "error", "warning", "info")


def _by_region(us: str, eu: str) -> Any:
    """A default address that follows the region."""
    return Field(default_factory=lambda given: eu if given.get("region") == "eu" else us)


class PagerDuty(PlatformSection):
    """PagerDuty: Events API v2 for alerting, REST for escalations, notes and priorities."""

    title = "PagerDuty"

    rate_limit: Rate = "100/minute"
    """Events per routing key, shared by all workers."""
    region: Literal["us", "eu"] = "us"
    """The account's service region; sets the default addresses."""
    api_url: Annotated[Url, without("/v2/enqueue")] = _by_region(
        "https://events.pagerduty.com", "https://events.eu.pagerduty.com"
    )
    """Address of the Events API, without `/v2/enqueue`."""
    rest_url: Url = _by_region("https://api.pagerduty.com", "https://api.eu.pagerduty.com")
    """Address of the REST API."""
    site_url: Url | None = None
    """Address of the account's pages; by default any at PagerDuty's domain. Links elsewhere are not
    shown."""
    routing_key: Secret | None = None
    """Integration key of incidents for which no other key is chosen."""
    routing_keys: dict[KnownSeverity, Secret] = Field(default_factory=dict)
    """Integration keys by severity."""
    services: dict[str, Secret] = Field(default_factory=dict)
    """Integration keys by the incident's service; they win over those by severity."""
    severity_mapping: Annotated[
        dict[KnownSeverity, PagerDutySeverity], BeforeValidator(over(_SEVERITIES))
    ] = Field(default_factory=dict)
    """PagerDuty's name for each severity."""
    auto_acknowledge: tuple[KnownSeverity, ...] = ()
    """Severities whose alerts are acknowledged as soon as they are triggered."""
    api_token: Secret | None = None
    """REST API key; without one, escalation policies, notes and priorities are left alone."""
    from_email: Name | None = None
    """Email of the PagerDuty user in whose name REST requests are made."""
    escalation_policies: Choice = Choice()
    """Escalation policy ids; escalating moves the incident to the chosen one."""
    priorities: BySeverity = Field(default_factory=dict)
    """Priority ids by severity."""

    def required(self) -> Iterator[Required]:
        """One routing key for all incidents, or one for each severity."""
        if len(self.routing_keys) < len(Severity):
            yield Required("routingKey", " (or routingKeys for all four severities)")

    def ticket_places(self) -> Iterator[str]:
        """The account's site, at PagerDuty's domain."""
        yield self.site_url or "https://*.pagerduty.com"

    def contradictions(self) -> Iterator[Contradiction]:
        """Escalation policies and priorities are set over REST, which needs a token."""
        if self.api_token is None:
            for key, given in (
                ("escalationPolicies", self.escalation_policies.names()),
                ("priorities", self.priorities),
            ):
                if given:
                    yield Contradiction((key,), "needs pagerduty.apiToken")
