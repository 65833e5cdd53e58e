"""The facts that can change an alert, as they arrive in the topic ticketing-signals."""

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
    """The anomalies of one fingerprint in one run of one source partition.

    `source` names the source partition for good: `<topic id>:<partition>`. `offsets` maps the start
    of each bucket of event time (Unix seconds) to the ascending offsets counted in it; a bucket is
    the common part of a tumbling window and a minute. `frames` are the ascending offsets of lines
    of stack traces that follow one of these records. An offset stands in one place only. `arrived`
    and `last_arrived` are Kafka's times (Unix seconds) of the first and the last record. `config`
    is the version of the configuration that judged the records.
    """

    fingerprint: str
    tenant: str
    service: str
    pattern: str
    source: str
    severity: Severity
    offsets: dict[int, list[int]]
    first_seen: float
    last_seen: float
    max_score: float
    title: str = ""
    environment: str = ""
    arrived: float = 0.0
    last_arrived: float = 0.0
    frames: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    config: str = ""

    def counted(self) -> list[list[int]]:
        """Every list of offsets: all records that these anomalies count."""
        return [*self.offsets.values(), self.frames]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """Anomalies that were a dead letter: no mark says that they are counted."""

    anomalies: Anomalies


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Everything that reached a partition of a topic before `through` has been handled.

    `partitions` is the number of partitions of the topic; until all of them have reported, a quiet
    clock stands still. Times are Unix seconds of arrival. `caught_up` says that the reader had read
    all there was; its own clock then tells nothing (see ticketing.domain.alerts.quiet_clock).
    """

    topic: str
    partition: int
    partitions: int
    through: float
    caught_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The source partition that the anomalies of the same message come from.

    `since` is the offset from which on its records are counted, as `<topic id>:<offset>`, without the
    offset while nothing was read (see ticketing.domain.alerts.conservation). `through` is the
    last offset of the run, -1 beside no anomalies: all anomalies up to it are in this message or in
    earlier ones.
    """

    topic: str
    partition: int
    since: str
    through: int = -1

    @property
    def source(self) -> str:
        """The source partition as `Anomalies.source` names it."""
        return f"{self.since.rpartition(':')[0]}:{self.partition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """An alert whose incident a person has deleted: its texts are to go. What is counted stays so."""

    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A due time has come; the message's Kafka timestamp says which."""
