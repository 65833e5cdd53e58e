"""The settings of the process: broker, store, listeners, directories, logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr

from ticketing.config.input_fields import InputFields, preset_alone
from ticketing.config.values import Duration, Name, Network, Secret, Section, Url
from ticketing.log import MASK

EMBEDDED = "embedded"
EMBEDDED_PARTITIONS = 4
"""The partitions of each topic in librdkafka's mock cluster."""
FAUST_WEB_PORT = 6066
"""Faust's own default."""


class Kafka(Section):
    """The broker and how to reach it. The topics' names are fixed, but for their prefix."""

    brokers: str = EMBEDDED
    """`host:port,host:port`, or `embedded` for a broker in memory that ends with the program."""
    partitions: int = Field(
        default_factory=lambda given: (
            EMBEDDED_PARTITIONS if given.get("brokers") == EMBEDDED else 12
        ),
        ge=1,
        le=1000,
    )
    """Partitions of our own topics (12; the embedded broker has 4)."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    """Prefix of our own topics and of all groups, so that installations can share a cluster. It is
    chosen once, and goes with an own `redis.prefix`."""
    replication_factor: int = Field(default=-1, ge=-1, le=32)
    """Copies of our own topics; -1 leaves it to the broker's `default.replication.factor`."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Security of the connections."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    """SASL mechanism."""
    username: Name | None = None
    """SASL user; with OAUTHBEARER the client's id."""
    password: Secret | None = None
    """SASL password; with OAUTHBEARER the client's secret."""
    token_url: Url | None = None
    """With OAUTHBEARER, the address that gives tokens for client credentials."""
    token_scope: Name | None = None
    """With OAUTHBEARER, the scope to ask for."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's."""
    client_certificate: Path | None = None
    """The client's certificate (PEM)."""
    client_key: Path | None = None
    """Key of `clientCertificate` (PEM)."""
    group_instance_id: Name | None = None
    """Static membership: a name of this worker that survives its restart, e.g. the pod's name."""
    # Faust's default: a restart or a long pause must not move the partitions, yet a dead worker's
    # tickets are late by no more than that.
    session_timeout: Duration = 60.0
    """Time without a heartbeat after which a worker's partitions go to other workers."""
    # About Kafka's default limit of a message.
    message_max_bytes: int = Field(default=1_048_576, ge=262_144, le=1_073_741_824)
    """Largest message to produce, and largest fetch. Raise the topics' `max.message.bytes` first: a
    start is refused where a topic takes less."""

    @property
    def embedded(self) -> bool:
        """True for the broker in memory."""
        return self.brokers == EMBEDDED


class Redis(Section):
    """The store of the view of incidents."""

    url: SecretStr = SecretStr(EMBEDDED)
    """`redis://`, `rediss://` or `unix://` address, or `embedded` for a store in memory. With
    `sentinelMaster` the host is a list of Sentinels: `redis://user:password@s1:26379,s2:26379/0`."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's, with `rediss://`."""
    sentinel_master: Name | None = None
    """Name of the master that the Sentinels of `url` watch; user and password are the master's."""
    sentinel_username: Name | None = None
    """User of the Sentinels, if they ask for one."""
    sentinel_password: Secret | None = None
    """Password of the Sentinels, if they ask for one."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] = "ticketing"
    """Prefix of all keys."""
    # Redis answers in milliseconds; nothing may wait for a dead one for long.
    timeout: Duration = 2.0
    """Longest time that one command may take."""

    @property
    def embedded(self) -> bool:
        """True for the Redis in memory."""
        return self.url.get_secret_value() == EMBEDDED

    @property
    def public_url(self) -> str:
        """The address without its passwords, that of its user and those among its options."""
        url = self.url.get_secret_value()
        password = urlsplit(url).password if url != EMBEDDED else None
        shown = url.replace(f":{password}@", f":{MASK}@", 1) if password else url
        address, mark, options = shown.partition("?")
        return address + mark + "&".join(_masked(option) for option in options.split("&"))


def _masked(option: str) -> str:
    """An option of an address, such as `ssl_password=x`, without a password."""
    name, mark, _ = option.partition("=")
    return f"{name}{mark}{MASK}" if is_password(name) else option


def is_password(option: str) -> bool:
    """True for the name of an address's option that holds a password."""
    return "password" in unquote(option).lower()


SENTINEL_PORT = 26379
"""Sentinel's own default."""


def sentinels_of(url: str) -> list[tuple[str, int]]:
    """Host and port of each Sentinel in an address; raises ValueError for a wrong one."""
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    parts = [urlsplit(f"//{host.strip()}") for host in hosts]
    if not all(part.hostname for part in parts):
        raise ValueError("a Sentinel without a host")
    return [(str(part.hostname), part.port or SENTINEL_PORT) for part in parts]


class Web(Section):
    """The API and the pages."""

    host: Name = "127.0.0.1"
    """Address to listen on; anything but loopback needs `token` or `access.enforced`."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    token: Secret | None = None
    """Token of an admin of all tenants, sent as `Authorization: Bearer ...`; `ticketing tokens` makes
    others, each with a name and a role."""
    public_url: Url | None = None
    """Address of the pages as people reach them; tickets link to it."""
    trusted_proxies: tuple[Network, ...] = Field(default=(), max_length=64)
    """Addresses or networks of proxies whose `X-Forwarded-For` names the sender: for the pauses after
    wrong tokens and for the audit. Without them a proxy's clients share its address."""


class FaustWeb(Section):
    """Faust's own web view of the app and its tables, guarded like the API."""

    enabled: bool = True
    """Serves the web view."""
    host: Name = "127.0.0.1"
    """Address to listen on; anything but loopback needs `web.token` or `access.enforced`."""
    port: int = Field(default=FAUST_WEB_PORT, ge=0, le=65535)
    """First port to listen on; further apps take the next ones. 0 takes any free one."""


class Metrics(Section):
    """`/metrics`, `/health` and `/ready` of a worker that serves no API."""

    enabled: bool = True
    """Serves the metrics."""
    host: Name = "127.0.0.1"
    """Address to listen on; anything but loopback needs `web.token` or `access.enforced`."""
    port: int = Field(default=9464, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""


# As long as records may name one.
_TenantName = Annotated[str, Field(min_length=1, max_length=256)]


class Input(Section):
    """Topics of anomalies, and the names of their fields."""

    topics: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")], ...] = Field(
        default=("enriched-logs",), min_length=1
    )
    """Topics to read: `enriched-logs`, `anomaly-events` or others of either form."""
    tenants: Annotated[tuple[_TenantName, ...], Field(max_length=10_000)] = ()
    """Known tenants, as records name them: all others share the tenant `input.unknownTenant`, so that
    nobody gets ceilings of his own by a new name. Without any, every name is a tenant."""
    unknown_tenant: _TenantName = "unknown"
    """The tenant of records that name none of `input.tenants`."""
    fields: Annotated[InputFields, BeforeValidator(preset_alone)] = InputFields()
    """Names of the fields of records."""


class Otlp(Section):
    """The receiver of traces, by OTLP over HTTP, such as OpenTelemetry's Collector."""

    endpoint: Url | None = None
    """Base address, such as `http://collector:4318`; `/v1/traces` is added. Without one,
    OpenTelemetry's own variables hold, such as `OTEL_EXPORTER_OTLP_ENDPOINT`."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Headers of each request by name, such as a vendor's key."""


class Telemetry(Section):
    """OpenTelemetry traces of the agent's own work; needs the extra `otel`."""

    otlp: Otlp = Otlp()
    """The receiver."""


class Log(Section):
    """Log output, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level to write."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto` is `console` on a terminal and `json` elsewhere."""
