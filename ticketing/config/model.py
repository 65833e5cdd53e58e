"""The configuration as one typed, frozen model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from ticketing.config.incidents import (
    Anomaly,
    DeliverWithin,
    Delivery,
    Escalation,
    Flapping,
    GroupWait,
    OffBySeverity,
    Platforms,
    Routing,
    Storm,
    for_all,
)
from ticketing.config.insight import CorrelationRules, Llm, Traces
from ticketing.config.platforms import PLATFORMS, Platform, PlatformSections
from ticketing.config.process import FaustWeb, Input, Kafka, Log, Metrics, Redis, Web
from ticketing.config.values import Duration, OptionalDuration, SecretUrl, Wait
from ticketing.domain.severity import Severity


class Config(PlatformSections):
    """All settings; the sections of the platforms stand in `ticketing.config.platforms`."""

    routing: Routing = Routing()
    """Platforms by severity."""
    anomaly: Anomaly = Anomaly()
    """What counts as an anomaly."""
    group_wait: Annotated[GroupWait, BeforeValidator(for_all)] = GroupWait()
    """How long an incident waits before it is ticketed; one duration, or one per severity."""
    reopen_window: Wait = 1800.0
    """A fault that fires again this soon after its resolution reopens the incident."""
    auto_resolve_after: OptionalDuration = None
    """Resolves an incident that was quiet for so long; off by default."""
    escalate_after: Annotated[OffBySeverity, BeforeValidator(for_all)] = OffBySeverity()
    """Escalates what nobody acknowledged for so long; off by default."""
    deliver_within: Annotated[DeliverWithin, BeforeValidator(for_all)] = DeliverWithin()
    """How long a platform may take before `routing.fallback` is told."""
    escalation: Escalation = Escalation()
    """Where an escalated incident goes."""
    retention: Duration = 30 * 86400.0
    """How long a resolved incident is kept."""
    delivery: Delivery = Delivery()
    """How hard a platform is tried."""
    heartbeat_url: SecretUrl | None = None
    """A dead-man's switch that is called while the whole path works."""
    heartbeat_every: Duration = 60.0
    """How often it is called."""
    storm: Storm = Storm()
    """Guards against more tickets than people can read."""
    flapping: Flapping = Flapping()
    """When an incident is said to flap."""
    kafka: Kafka = Kafka()
    """The broker."""
    redis: Redis = Redis()
    """The view's store."""
    web: Web = Web()
    """The API and the pages."""
    faust_web: FaustWeb = FaustWeb()
    """Faust's own web view."""
    metrics: Metrics = Metrics()
    """`/metrics`, `/health` and `/ready` of a worker that serves no API."""
    data_dir: Path = Field(
        default_factory=lambda: Path("~/.local/state/ticketing-agent").expanduser()
    )
    """Where tables are kept on disk; by default `ticketing-agent` in `$XDG_STATE_HOME` or
    `~/.local/state`. With the embedded broker every run takes a fresh temporary directory."""
    secrets_dir: Path | None = None
    """A directory of files that hold one secret each, as a mounted Kubernetes Secret."""
    input: Input = Input()
    """Where anomalies come from."""
    log: Log = Log()
    """What the program says while it runs."""
    llm: Llm = Llm()
    """Summaries by a language model."""
    traces: Traces = Traces()
    """Correlation with traces."""
    correlation: CorrelationRules = CorrelationRules()
    """What links between incidents do."""

    def platform(self, name: str) -> Platform:
        """The section of a platform; raises KeyError for a name that is none."""
        if name not in PLATFORMS:
            raise KeyError(name)
        section: Platform = getattr(self, name)
        return section

    def enabled_platforms(self) -> list[str]:
        """The enabled platforms, in the order of `PLATFORMS`."""
        return [name for name in PLATFORMS if self.platform(name).enabled]

    def routes(self, severity: Severity | str) -> list[str]:
        """The enabled platforms that incidents of this severity go to, in the configured order."""
        listed: Platforms = getattr(self.routing, Severity(severity).value)
        return [name for name in dict.fromkeys(listed) if self.platform(name).enabled]

    def fallback(self) -> list[str]:
        """The enabled platforms that are told when a delivery fails."""
        return [name for name in self.routing.fallback if self.platform(name).enabled]
