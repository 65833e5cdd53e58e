"""What can change an incident: the facts that arrive in the topic ticketing-signals."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Findings


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

    `source` names the source partition for good: topic id, partition and version of the pattern
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


class Action(str, Enum):
    """What a person, a platform or a policy may ask of an incident."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    COMMENT = "comment"
    FORWARD = "forward"
    UNLINK = "unlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A wish of a person or platform; its outcome stays in the incident under `id`."""

    id: str
    incident_id: str
    action: Action
    by: str = ""
    note: str = ""
    to: list[str] = field(default_factory=list)


class TicketState(str, Enum):
    """What a platform's ticket is known to be in."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a platform's adapter has reached for an incident, or why it could not.

    `revision` is the incident revision the ticket reflects; `on_call` names who the platform says
    is on call.
    """

    incident_id: str
    platform: str
    state: TicketState
    revision: int
    external_id: str = ""
    key: str = ""
    url: str = ""
    error: str = ""
    on_call: str = ""


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
class Correlation:
    """What the traces say of the incident that a fingerprint has just now. Advisory."""

    tenant: str
    service: str
    fingerprint: str
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an incident was like when a model was asked about it, to see later if that has changed.

    `at` and `reopened_at` are Unix seconds, `calls` counts those for this incident so far.
    """

    severity: Severity
    count: int
    at: float
    reopened_at: float = 0.0
    cause: str = ""
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An incident in words, written by a model or by rules. `generated_by` names the writer."""

    incident_id: str
    revision: int
    generated_by: str
    title: str
    text: str
    root_cause: str = ""
    impact: str = ""
    steps: list[str] = field(default_factory=list)
    severity: Severity | None = None
    """The writer's opinion; whether it counts for anything is configuration's."""
    tags: list[str] = field(default_factory=list)
    basis: Basis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has come for something; the message's own Kafka timestamp says which time it is."""
