"""The configuration as one typed, frozen model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from ticketing.config.platforms import (
    Jira,
    OpsGenie,
    PagerDuty,
    Platform,
    ServiceNow,
    Slack,
    Zammad,
)
from ticketing.config.values import (
    Duration,
    Name,
    OptionalDuration,
    Secret,
    SecretUrl,
    Section,
    Url,
    Wait,
)
from ticketing.domain.severity import Severity

EMBEDDED = "embedded"
EMBEDDED_PARTITIONS = 4
PLATFORMS = ("pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad")
PlatformName = Literal["pagerduty", "jira", "servicenow", "opsgenie", "slack", "zammad"]
Platforms = tuple[PlatformName, ...]


class Routing(Section):
    """Which platforms an incident of each severity goes to."""

    critical: Platforms = ("pagerduty", "opsgenie", "slack", "jira", "servicenow", "zammad")
    """Platforms of critical incidents; of the default list, those that are enabled."""
    high: Platforms = ("jira", "servicenow", "zammad", "slack")
    """Platforms of high incidents; of the default list, those that are enabled."""
    medium: Platforms = ("jira", "servicenow", "zammad")
    """Platforms of medium incidents; of the default list, those that are enabled."""
    low: Platforms = ("slack",)
    """Platforms of low incidents; of the default list, those that are enabled."""
    fallback: Platforms = ()
    """Platforms that get what another one rejected or did not take within `deliverWithin`."""


class SeverityThresholds(Section):
    """Lowest anomaly score of each severity; what is below `medium` is low."""

    critical: float = Field(default=0.97, ge=0, le=1)
    """Critical from here on."""
    high: float = Field(default=0.93, ge=0, le=1)
    """High from here on."""
    medium: float = Field(default=0.89, ge=0, le=1)
    """Medium from here on."""


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


class PatternRule(Section):
    """One masking rule of one's own, applied before the built-in ones."""

    name: Name
    """What the rule is called."""
    pattern: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_compiles)]
    """Regular expression (Python's)."""
    replace: str = ""
    """What stands in the pattern instead, such as `<order>`."""


class Anomaly(Section):
    """What counts as an anomaly, and how bad it is."""

    minimum_score: float = Field(default=0.85, ge=0, le=1)
    """Lowest anomaly score that is counted."""
    lookback_window: Duration = 900.0
    """Length of the tumbling windows of event time in which anomalies are counted."""
    severity_thresholds: SeverityThresholds = SeverityThresholds()
    """Severity by score, for records that bring none of their own."""
    pattern_rules: tuple[PatternRule, ...] = ()
    """Masking rules of one's own."""


def _for_all(value: Any) -> Any:
    """One duration stands for all four severities."""
    if value is None or isinstance(value, (str, int, float)):
        return {severity.value: value for severity in Severity}
    return value


class GroupWait(Section):
    """How long an incident waits for its neighbours before it is ticketed."""

    critical: Wait = 5.0
    """Critical incidents."""
    high: Wait = 30.0
    """High incidents."""
    medium: Wait = 30.0
    """Medium incidents."""
    low: Wait = 30.0
    """Low incidents."""

    def of(self, severity: Severity) -> float:
        """Seconds for a severity."""
        return float(getattr(self, severity.value))


class OffBySeverity(Section):
    """An optional duration for each severity."""

    critical: OptionalDuration = None
    """Critical incidents."""
    high: OptionalDuration = None
    """High incidents."""
    medium: OptionalDuration = None
    """Medium incidents."""
    low: OptionalDuration = None
    """Low incidents."""

    def of(self, severity: Severity) -> float | None:
        """Seconds for a severity, or None for never."""
        value: float | None = getattr(self, severity.value)
        return value


class DeliverWithin(OffBySeverity):
    """How long a platform may take before `routing.fallback` is told."""

    critical: OptionalDuration = 60.0
    """Critical incidents."""


class Escalation(Section):
    """Where an escalated incident goes."""

    to: tuple[Name, ...] = ()
    """Platforms, or names of teams as the platforms know them."""


class Delivery(Section):
    """How hard a platform is tried."""

    backoff_min: Duration = 1.0
    """Wait after the first failure; doubles from there, with jitter."""
    backoff_max: Duration = 300.0
    """Longest wait between two attempts."""
    give_up_after: Duration = 86400.0
    """When a delivery that keeps failing becomes a dead letter."""
    circuit_failures: int = Field(default=5, ge=1)
    """Failures in a row after which a platform gets one probe at a time."""


class Storm(Section):
    """Guards against more tickets than people can read."""

    max_patterns_per_service: int = Field(default=20, ge=1)
    """New patterns of one service in ten minutes, beyond which they share an overflow incident."""
    max_pages_per_minute: int = Field(default=30, ge=1)
    """A tenant's new tickets a minute, beyond which one umbrella ticket speaks for them."""
    group_by: Literal["pattern", "service"] = "pattern"
    """Whether a service's simultaneous patterns get a ticket each or share one."""
    group_by_services: dict[str, Literal["pattern", "service"]] = Field(default_factory=dict)
    """The same for single services."""


class Flapping(Section):
    """When an incident that keeps coming back is said to flap."""

    reopenings: int = Field(default=3, ge=1)
    """This many reopenings ..."""
    within: Duration = 3600.0
    """... in this time."""


class Kafka(Section):
    """The broker and how to reach it. The topics' names are fixed."""

    brokers: str = EMBEDDED
    """`host:port,host:port`, or `embedded` for one in memory, gone when the program ends."""
    partitions: int = Field(
        default_factory=lambda given: (
            EMBEDDED_PARTITIONS if given.get("brokers") == EMBEDDED else 12
        ),
        ge=1,
        le=1000,
    )
    """Partitions of our own topics (12; the embedded broker has 4)."""
    replication_factor: int = Field(default=-1, ge=-1, le=32)
    """Copies of our own topics; -1 leaves it to the broker's `default.replication.factor`."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How connections are secured."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How the client proves who it is."""
    username: Name | None = None
    """SASL user."""
    password: Secret | None = None
    """SASL password."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's."""
    client_certificate: Path | None = None
    """The client's certificate (PEM)."""
    client_key: Path | None = None
    """That certificate's key (PEM)."""
    group_instance_id: Name | None = None
    """Static membership: a name of this worker that survives its restart, e.g. the pod's name."""
    session_timeout: Duration = 60.0
    """After how long without a heartbeat a worker's partitions go to others."""
    message_max_bytes: int = Field(default=1_048_576, ge=65_536, le=1_073_741_824)
    """Largest message we produce, and largest that is fetched at once."""

    @property
    def embedded(self) -> bool:
        """Whether the broker is the one in memory."""
        return self.brokers == EMBEDDED


class Redis(Section):
    """Where the view of the incidents is kept."""

    url: SecretStr = SecretStr(EMBEDDED)
    """`redis://`, `rediss://` or `unix://` address, or `embedded` for one in memory."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] = "ticketing"
    """What all keys begin with."""
    timeout: Duration = 2.0
    """How long one command may take."""

    @property
    def embedded(self) -> bool:
        """Whether Redis is the one in memory."""
        return self.url.get_secret_value() == EMBEDDED

    @property
    def public_url(self) -> str:
        """The address without its password."""
        url = self.url.get_secret_value()
        password = urlsplit(url).password if url != EMBEDDED else None
        return url.replace(f":{password}@", ":****@", 1) if password else url


class Web(Section):
    """The API and the pages."""

    host: Name = "127.0.0.1"
    """Address to listen on; anything but loopback needs a token."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    token: Secret | None = None
    """What clients must send as `Authorization: Bearer ...`."""
    public_url: Url | None = None
    """Address under which people reach the pages; stands in tickets as a link."""


class FaustWeb(Section):
    """Faust's own web view of agents and tables. It knows no authentication."""

    enabled: bool = True
    """Whether it is served."""
    host: Name = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=6066, ge=0, le=65535)
    """First port to listen on; further apps take the next ones. 0 takes any free one."""


class Metrics(Section):
    """Prometheus metrics of a worker that serves no API."""

    enabled: bool = True
    """Whether they are served."""
    host: Name = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=9464, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""


class Input(Section):
    """Where anomalies come from."""

    topics: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")], ...] = Field(
        default=("enriched-logs",), min_length=1
    )
    """Topics to read: `enriched-logs`, `anomaly-events` or others of either form."""


class Log(Section):
    """What the program says while it runs, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto` is for people on a terminal and JSON elsewhere."""


class LlmProvider(Section):
    """One language model."""

    provider: Name
    """Any provider that litellm knows, such as `openai`, `anthropic`, `ollama`."""
    model: Name
    """The model, as the provider calls it."""
    api_key: Secret | None = None
    """The provider's key, if it needs one."""
    endpoint: Url | None = None
    """The provider's address, for local ones and gateways."""


class LlmBudget(Section):
    """What summaries may cost."""

    per_day: float = Field(default=5.0, ge=0)
    """US dollars per tenant and day (UTC), by litellm's price list."""
    calls_per_day: int = Field(default=500, ge=0)
    """Calls per tenant and day (UTC); holds for models without a price too."""


class Llm(Section):
    """Summaries by a language model. Off unless a provider is named."""

    provider: Name = "disabled"
    """`disabled`, or any provider that litellm knows."""
    model: Name | None = None
    """The model, as the provider calls it."""
    api_key: Secret | None = None
    """The provider's key, if it needs one."""
    endpoint: Url | None = None
    """The provider's address, for local ones and gateways."""
    providers: tuple[LlmProvider, ...] = ()
    """Providers in the order they are tried, in place of a single one."""
    timeout: Duration = 20.0
    """How long one call may take."""
    cooldown: Duration = 60.0
    """How long a provider that failed is left alone."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """Calls under way at once, per worker."""
    max_prompt_tokens: int = Field(default=6000, ge=500)
    """Longest prompt."""
    max_answer_tokens: int = Field(default=1200, ge=100)
    """Longest answer."""
    may_raise_severity: bool = False
    """Whether the model's opinion may raise an incident's severity. It never lowers it."""
    budget: LlmBudget = LlmBudget()
    """What summaries may cost."""

    @property
    def chain(self) -> tuple[LlmProvider, ...]:
        """The providers in order; empty when summaries by a model are off."""
        if self.providers or self.provider == "disabled" or self.model is None:
            return self.providers
        single = LlmProvider(
            provider=self.provider,
            model=self.model,
            api_key=self.api_key,
            endpoint=self.endpoint,
        )
        return (single,)


class Traces(Section):
    """Correlation of incidents with the traces of their requests."""

    enabled: bool = True
    """Whether logs with a trace id are followed; without, nothing is paid for it."""
    samples: int = Field(default=5, ge=1, le=50)
    """Traces kept per incident, the most telling ones."""
    spans_max: int = Field(default=500, ge=10, le=10_000)
    """Spans kept of one trace."""
    buffer_spans: int = Field(default=500_000, ge=1000)
    """Spans kept in memory per worker; the oldest are let go, and counted."""
    keep: Duration = 900.0
    """How long spans are kept."""
    shared_by_max: int = Field(default=20, ge=2)
    """A trace that more incidents than this share links nothing."""


class SeverityRule(Section):
    """Raises an incident's severity by its blast radius. Every given bound must be reached."""

    to: Severity
    """The severity it is raised to."""
    services: int | None = Field(default=None, ge=1)
    """Affected services, at least."""
    endpoints: int | None = Field(default=None, ge=1)
    """Affected endpoints, at least."""
    tenants: int | None = Field(default=None, ge=1)
    """Affected tenants, at least."""
    failing_share: float | None = Field(default=None, ge=0, le=1)
    """Share of failing requests, at least."""


class CorrelationRules(Section):
    """What links between incidents do."""

    ticketing: Literal["all", "root"] = "all"
    """`all` tickets every incident; `root` holds symptoms back behind the ticket of their cause."""
    raise_severity: tuple[SeverityRule, ...] = ()
    """Rules by blast radius."""


class Config(Section):
    """All settings."""

    pagerduty: PagerDuty = PagerDuty()
    """PagerDuty."""
    jira: Jira = Jira()
    """Jira Cloud or Data Center."""
    servicenow: ServiceNow = ServiceNow()
    """ServiceNow."""
    opsgenie: OpsGenie = OpsGenie()
    """OpsGenie, or Jira Service Management operations."""
    slack: Slack = Slack()
    """Slack."""
    zammad: Zammad = Zammad()
    """Zammad."""
    routing: Routing = Routing()
    """Platforms by severity."""
    anomaly: Anomaly = Anomaly()
    """What counts as an anomaly."""
    group_wait: Annotated[GroupWait, BeforeValidator(_for_all)] = GroupWait()
    """How long an incident waits before it is ticketed; one duration, or one per severity."""
    reopen_window: Wait = 1800.0
    """A fault that fires again this soon after its resolution reopens the incident."""
    auto_resolve_after: OptionalDuration = None
    """Resolves an incident that was quiet for so long; off by default."""
    escalate_after: Annotated[OffBySeverity, BeforeValidator(_for_all)] = OffBySeverity()
    """Escalates what nobody acknowledged for so long; off by default."""
    deliver_within: Annotated[DeliverWithin, BeforeValidator(_for_all)] = DeliverWithin()
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
    """Prometheus metrics of a worker that serves no API."""
    data_dir: Path | None = None
    """Where tables are kept on disk; `~/.local/state/ticketing-agent` by default. With the embedded
    broker every run makes a fresh temporary directory instead, inside this one if it is given."""
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

    def public(self) -> dict[str, Any]:
        """All settings in camelCase for people to see: secrets as `****`, durations in seconds."""
        from ticketing.config.secrets import public

        return public(self)
