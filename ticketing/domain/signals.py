"""The facts that can change an incident, as they arrive in the topic ticketing-signals."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One anomalous record, kept as evidence. Times are Unix seconds."""

    at: float
    message: str
    level: str = ""
    score: float = 0.0
    trace_id: str = ""
    span_id: str = ""
    endpoint: str = ""
    host: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomalies:
    """The anomalies of one fingerprint in one fetched batch of one source partition.

    `source` is the lasting name of the source partition: topic id, partition and version of the pattern
    rules. `windows` maps the start of each tumbling window (event time, Unix seconds) to the
    ascending offsets counted in it; an offset stands in one window only.
    """

    fingerprint: str
    tenant: str
    service: str
    pattern: str
    source: str
    severity: Severity
    windows: dict[int, list[int]]
    first_seen: float
    last_seen: float
    max_score: float
    title: str = ""
    environment: str = ""
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """Anomalies that were a dead letter: no watermark says that they are counted."""

    anomalies: Anomalies


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Detection has handled everything that reached a source partition before `through`.

    `partitions` says how many partitions the source topic has; until all of them have reported, the
    quiet clock stands still. Times are Unix seconds of arrival.
    """

    topic: str
    partition: int
    partitions: int
    through: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The source partition that the anomalies of the same message come from.

    `since` is the offset from which on its records are counted, as `<topic id>:<offset>`, without the
    offset while nothing was read (see ticketing.domain.alerts.conservation).
    """

    topic: str
    partition: int
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A due time has come; the message's Kafka timestamp says which."""
