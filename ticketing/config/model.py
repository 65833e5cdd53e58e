"""The configuration as one typed, frozen model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from ticketing.config.access import Access
from ticketing.config.catalog import Catalog, Links
from ticketing.config.incidents import (
    Anomaly,
    DeliverWithin,
    Delivery,
    Escalation,
    Flapping,
    Grouping,
    GroupWait,
    Notify,
    OffBySeverity,
    Platforms,
    RepageAfter,
    Routing,
    Storm,
    by_name,
    for_all,
)
from ticketing.config.insight import CorrelationRules, Llm, Traces
from ticketing.config.platforms import PLATFORMS, PlatformSection, PlatformSections
from ticketing.config.privacy import Privacy
from ticketing.config.process import (
    FaustWeb,
    Input,
    Kafka,
    Log,
    Metrics,
    Redis,
    Telemetry,
    Web,
)
from ticketing.config.values import Duration, OptionalDuration, SecretUrl, Wait
from ticketing.domain.severity import Severity


class Config(PlatformSections):
    """All settings; the platforms' sections are in `ticketing.config.platforms`."""

    routing: Routing = Routing()
    """Platforms by severity."""
    anomaly: Anomaly = Anomaly()
    """Anomalies and their severity."""
    group_wait: Annotated[GroupWait, BeforeValidator(for_all)] = GroupWait()
    """Time before an incident gets its ticket; one duration, or one per severity."""
    # A fault that returns within half an hour was hardly resolved.
    reopen_window: Wait = 1800.0
    """Time after the resolution in which a fault that fires again reopens the incident."""
    # Longer than a fault is usually silent in between, short enough that a morning starts clean.
    auto_resolve_after: OptionalDuration = 14400.0
    """Time without anomalies after which an incident is resolved, an acknowledged one too."""
    escalate_after: Annotated[OffBySeverity, BeforeValidator(for_all)] = OffBySeverity()
    """Time without acknowledgement after which an incident is escalated; off by default."""
    repage_after: Annotated[RepageAfter, BeforeValidator(for_all)] = RepageAfter()
    """Quiet time after which an acknowledged fault that fires again pages, once in that time."""
    acknowledge_timeout: OptionalDuration = None
    """Time since the last act of a person after which an acknowledged incident that still fires pages
    again; off by default."""
    deliver_within: Annotated[DeliverWithin, BeforeValidator(for_all)] = DeliverWithin()
    """Longest time for a platform to take an incident before it goes to `routing.fallback`."""
    escalation: Escalation = Escalation()
    """Targets of an escalation."""
    retention: Duration = 30 * 86400.0
    """Time for which a resolved incident is kept."""
    delivery: Delivery = Delivery()
    """Repeated attempts at a delivery."""
    heartbeat_url: SecretUrl | None = None
    """Address of a dead-man's switch, called while the whole pipeline works."""
    # Dead-man's switches usually count in minutes.
    heartbeat_every: Duration = 60.0
    """Time between two calls of `heartbeatUrl`."""
    installation: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,29})?$")] = ""
    """Name of this installation, a part of the key of every ticket (`blue.ID`), so that several
    installations share an account of a platform. It is chosen once: open tickets are kept under their
    old keys, a ticket of unknown outcome is not found under the new one."""
    links: Links = Field(default_factory=dict)
    """Links on every ticket, above its evidence: Jinja2 templates of addresses by name, such as
    `runbook`, `dashboard`, `traces` and `logs`."""
    picture: str | None = None
    """Jinja2 template of the address of an image, such as a chart of the service: shown by PagerDuty,
    elsewhere a link."""
    catalog: Catalog = Catalog()
    """Services, their owners and their names on the platforms."""
    notify: Notify = Notify()
    """Steps that are told on the tickets."""
    grouping: Annotated[Grouping, BeforeValidator(by_name)] = Grouping()
    """Alerts that share an incident: a section, or only the name of `by`."""
    storm: Storm = Storm()
    """Guards against more tickets than people can read."""
    flapping: Flapping = Flapping()
    """Incidents that keep coming back."""
    kafka: Kafka = Kafka()
    """The broker."""
    redis: Redis = Redis()
    """The view's store."""
    web: Web = Web()
    """The API and the pages."""
    access: Access = Access()
    """Access to the listeners, besides that of `web.token`."""
    faust_web: FaustWeb = FaustWeb()
    """Faust's own web view."""
    metrics: Metrics = Metrics()
    """`/metrics`, `/health` and `/ready` of a worker that serves no API."""
    data_dir: Path = Field(
        default_factory=lambda: Path("~/.local/state/ticketing-agent").expanduser()
    )
    """Directory of the tables; by default `ticketing-agent` in `$XDG_STATE_HOME` or
    `~/.local/state`. With the embedded broker every run takes a fresh temporary directory."""
    secrets_dir: Path | None = None
    """Directory of files with one secret each, such as a mounted Kubernetes Secret."""
    input: Input = Input()
    """Topics of anomalies, and the names of their fields."""
    log: Log = Log()
    """Log output."""
    telemetry: Telemetry = Telemetry()
    """OpenTelemetry traces of the agent's own work."""
    llm: Llm = Llm()
    """Summaries by a language model."""
    privacy: Privacy = Privacy()
    """Secrets and personal data in the texts of logs."""
    traces: Traces = Traces()
    """Correlation with traces."""
    correlation: CorrelationRules = CorrelationRules()
    """Effects of links between incidents."""

    @property
    def asks_for_credentials(self) -> bool:
        """True where every request must bear a credential, those of this machine too."""
        return self.web.token is not None or self.access.enforced

    def platform(self, name: str) -> PlatformSection:
        """The section of a platform; raises KeyError for another name."""
        if name not in PLATFORMS:
            raise KeyError(name)
        section: PlatformSection = getattr(self, name)
        return section

    def enabled_platforms(self) -> list[str]:
        """The enabled platforms, in the order of `PLATFORMS`."""
        return [name for name in PLATFORMS if self.platform(name).enabled]

    def routes(self, severity: Severity | str) -> list[str]:
        """The enabled platforms for incidents of this severity, in the configured order."""
        listed: Platforms = getattr(self.routing, Severity(severity).nearest.value)
        return [name for name in dict.fromkeys(listed) if self.platform(name).enabled]

    def fallback(self) -> list[str]:
        """The enabled platforms for incidents whose delivery failed."""
        return [name for name in self.routing.fallback if self.platform(name).enabled]
