"""The incident record, as the writer keeps it and as everyone reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.events import Summary, TicketState
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import Attribution, Findings, Relation


class Status(OpenEnum):
    """The stages in the life of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"

    @property
    def nearest(self) -> Status:
        """The status that decides: an unknown one is treated as open, so that nothing is lost.

        Such an incident counts, can be commanded and ends by quiet; its ticket stays in its state.
        """
        return self if self.is_known else Status.OPEN


class Kind(OpenEnum):
    """The kinds of things that an incident stands for."""

    PATTERN = "pattern"
    """One error pattern of one service (or a service's patterns, where grouped so)."""
    OVERFLOW = "overflow"
    """New patterns of one service beyond `storm.maxPatternsPerService`."""
    UMBRELLA = "umbrella"
    """New pages of a tenant that are held back."""
    STRAY = "stray"
    """Lines of a service's stack traces that came as records of their own; it pages nobody."""

    @property
    def nearest(self) -> Kind:
        """The kind that decides: an unknown one is treated as a pattern, with a ticket of its own."""
        return self if self.is_known else Kind.PATTERN


class StepKind(OpenEnum):
    """The kinds of events in a timeline.

    A step of an unknown kind is shown under its own name with its text; it decides nothing, and is
    posted on no ticket.
    """

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
    """The ticket on one platform, as far as is known."""

    platform: str
    state: TicketState = TicketState.PENDING
    revision: int = 0
    external_id: str = ""
    key: str = ""
    url: str = ""
    error: str = ""
    on_call: str = ""
    """The people on call there when the ticket was last written."""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A platform that did not take the incident; `text` says why in a sentence."""

    platform: str
    reason: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Another incident that shares requests, with its relation to this one.

    `id` is empty until the other's writer has told it; `traces` is the number of shared requests.
    """

    fingerprint: str
    service: str
    id: str = ""
    title: str = ""
    relation: Relation = Relation.RELATED
    traces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    """The outcome of a command: applied, or refused with the status that forbade it."""

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
    covers all of them. `watermarks` holds, per source partition, the highest offset counted, the
    latest raised last; only the writer has them, no snapshot.
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
    """The offset in the signals from which on the fingerprint has a record of its own; the service's
    overflow incident counted what came before."""
    count: int = 0
    max_score: float = 0.0
    windows: list[tuple[int, int]] = field(default_factory=list)
    watermarks: dict[str, int] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    """Every platform that the incident was ever routed to."""
    ticket_at: float = 0.0
    ticketed: bool = False
    """True once platforms are to hold tickets; then for good."""
    waits_for: int = 0
    """The occurrences within a lookback window that the ticket waits for; 0 if it does not wait."""
    held_by: str = ""
    """The incident whose ticket covers this one: an umbrella, or the cause."""
    held_until: float = 0.0
    """The end of the lease under which the cause's ticket covers this incident; 0 without one."""
    asked: str = ""
    """The fingerprint of the incident that was asked to cover this one."""
    asked_at: float = 0.0
    symptoms: list[str] = field(default_factory=list)
    """Incidents that this one's ticket covers, or has covered."""
    links: list[Link] = field(default_factory=list)
    """Incidents that share requests, bounded."""
    unlinked: list[str] = field(default_factory=list)
    """Fingerprints that somebody has unlinked: they are never linked again."""
    held: int = 0
    """The number of incidents that an umbrella holds, or has held, back."""
    take_by: dict[str, float] = field(default_factory=dict)
    """Deadlines of the platforms that hold no ticket yet; after one the fallback is notified."""
    failures: list[Failure] = field(default_factory=list)
    """Platforms that did not take the incident; bounded, newest last."""
    acknowledged_at: float | None = None
    escalated_at: float | None = None
    escalated_to: list[str] = field(default_factory=list)
    resolved_at: float | None = None
    reopenings: list[float] = field(default_factory=list)
    """The times of the latest reopenings, newest last, bounded."""
    flapping: bool = False
    quiet_at: float = 0.0
    """Arrival time of the latest anomaly; compared with the quiet clock."""
    escalate_at: float | None = None
    publish_at: float | None = None
    """The time to publish counts that changed since the last publication."""
    timeline: list[Step] = field(default_factory=list)
    commands: list[CommandOutcome] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    correlation: Findings | None = None
    attributions: list[Attribution] = field(default_factory=list)
    """The candidates of each outbreak, earliest outbreak first, bounded."""
    summary: Summary | None = None
    left_out: list[str] = field(default_factory=list)
    """The kinds of evidence of which some went so that the record stays small (`bounds`)."""

    @property
    def reach(self) -> list[str]:
        """The affected services, each once: the incident's own, then those of records and traces."""
        traced = self.correlation.affected_services if self.correlation else []
        own = [self.service] if self.service and self.service not in self.affected_services else []
        return list(dict.fromkeys([*own, *self.affected_services, *traced]))
