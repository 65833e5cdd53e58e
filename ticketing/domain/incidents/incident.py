"""What an incident is: the whole record, as the writer keeps it and as everyone reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample, Summary, TicketState
from ticketing.domain.traces.findings import Attribution, Findings, Relation


class Status(str, Enum):
    """Where in its life an incident is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Kind(str, Enum):
    """What an incident stands for."""

    PATTERN = "pattern"
    """One error pattern of one service (or a service's patterns, where grouped so)."""
    OVERFLOW = "overflow"
    """New patterns of one service beyond `storm.maxPatternsPerService`."""
    UMBRELLA = "umbrella"
    """Says that a tenant's new pages are held back."""


class StepKind(str, Enum):
    """What happened, in an incident's timeline."""

    OPENED = "opened"
    SEVERITY_RAISED = "severity_raised"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    FLAPPING = "flapping"
    HELD = "held"
    ATTACHED = "attached"
    UNLINKED = "unlinked"
    TICKETED = "ticketed"
    ROUTED = "routed"
    RECEIPT = "receipt"
    FALLBACK = "fallback"
    COMMENT = "comment"
    CORRELATED = "correlated"
    SUMMARIZED = "summarized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the timeline. `seq` rises by one and is never reused; `at` is Unix seconds."""

    seq: int
    at: float
    kind: StepKind
    by: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What is known of the ticket on one platform."""

    platform: str
    state: TicketState = TicketState.PENDING
    revision: int = 0
    external_id: str = ""
    key: str = ""
    url: str = ""
    error: str = ""
    on_call: str = ""
    """Who was on call there when the ticket was written last."""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A platform that did not take the incident, and why, in a sentence."""

    platform: str
    reason: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Another incident that shares requests, and what it is to this one.

    `id` is empty until that one's writer has said who it is; `traces` is how many they share.
    """

    fingerprint: str
    service: str
    id: str = ""
    title: str = ""
    relation: Relation = Relation.RELATED
    traces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    """How a command ended: applied, or refused with the status that forbade it."""

    id: str
    applied: bool
    status: Status
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One fault of one service, from its first anomaly to its resolution.

    Times are Unix seconds: `first_seen` and `last_seen` of the records (event time), all others of
    arrival. `windows` holds (start, count) of the latest tumbling windows; `count` is exact and
    covers all of them. `watermarks` holds, per source partition, the highest offset counted.
    """

    id: str
    fingerprint: str
    tenant: str
    service: str
    pattern: str
    title: str
    severity: Severity
    opened_at: float
    updated_at: float
    first_seen: float
    last_seen: float
    kind: Kind = Kind.PATTERN
    environment: str = ""
    status: Status = Status.OPEN
    revision: int = 1
    """Rises with every change that others must see."""
    episode: int = 1
    admitted_offset: int = -1
    """Where in its partition of the signals the fingerprint got a record of its own; what it sent
    before was counted by the service's overflow incident."""
    count: int = 0
    max_score: float = 0.0
    windows: list[tuple[int, int]] = field(default_factory=list)
    watermarks: dict[str, int] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    """Every platform it was ever routed to."""
    ticket_at: float = 0.0
    ticketed: bool = False
    """Whether platforms are to hold tickets for it; once true, always true."""
    held_by: str = ""
    """The incident whose ticket speaks for this one: an umbrella, or its cause."""
    held_until: float = 0.0
    """Until when, unless it is asked for again, the cause's ticket speaks for it; 0: no cause's."""
    asked: str = ""
    """The fingerprint that was asked to speak for it."""
    asked_at: float = 0.0
    symptoms: list[str] = field(default_factory=list)
    """Incidents that its ticket speaks, or has spoken, for."""
    links: list[Link] = field(default_factory=list)
    """Incidents that share its requests, bounded."""
    unlinked: list[str] = field(default_factory=list)
    """Fingerprints that it must not be linked with any more: somebody has said so."""
    held: int = 0
    """How many incidents an umbrella holds, or has held, back."""
    take_by: dict[str, float] = field(default_factory=dict)
    """By when each platform that does not hold its ticket yet must; then the fallback is told."""
    failures: list[Failure] = field(default_factory=list)
    """Platforms that did not take it; bounded, newest last."""
    acknowledged_at: float | None = None
    escalated_at: float | None = None
    escalated_to: list[str] = field(default_factory=list)
    resolved_at: float | None = None
    reopenings: list[float] = field(default_factory=list)
    """When it was last reopened, newest last, bounded."""
    flapping: bool = False
    quiet_at: float = 0.0
    """Arrival time of the latest anomaly; what the quiet clock is compared with."""
    escalate_at: float | None = None
    publish_at: float | None = None
    """When counts that changed since the last publication go out."""
    timeline: list[Step] = field(default_factory=list)
    commands: list[CommandOutcome] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    correlation: Findings | None = None
    attributions: list[Attribution] = field(default_factory=list)
    """Which services its outbreaks were laid to, earliest outbreak first, bounded."""
    summary: Summary | None = None

    @property
    def reach(self) -> list[str]:
        """Every service that suffers, each once: its own, those its records name, those of its
        traces."""
        traced = self.correlation.affected_services if self.correlation else []
        own = [self.service] if self.service and self.service not in self.affected_services else []
        return list(dict.fromkeys([*own, *self.affected_services, *traced]))
