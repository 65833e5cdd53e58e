"""The incident record, as the writer keeps it and as everyone reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.alerts.alert import AlertKind, AlertState
from ticketing.domain.events import Action, Summary, TicketState
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

    FAULT = "fault"
    """One fault: one or more alerts."""
    OVERFLOW = "overflow"
    """The overflow alert of a service, whose new patterns are more than `storm` admits."""
    COLLECTIVE = "collective"
    """New pages above a ceiling, listed in one incident."""
    STRAY = "stray"
    """Lines of a service's stack traces that came as records of their own; it pages nobody."""

    @property
    def nearest(self) -> Kind:
        """The kind that decides: an unknown one is treated as a fault, with a ticket of its own."""
        return self if self.is_known else Kind.FAULT


class Resolution(OpenEnum):
    """The ways in which an incident came to its end."""

    QUIET = "quiet"
    """All alerts were quiet for `autoResolveAfter`; a collective incident: nothing waits any more."""
    COMMAND = "command"
    """A person or a platform resolved it: only a record from after that reopens it."""
    MERGED = "merged"
    """Another incident took all its alerts (`merged_into`)."""
    MOVED = "moved"
    """Its last alert was moved to another incident (`merged_into`)."""


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
    GROUPED = "grouped"
    """An alert joined, with the reason."""
    REPAGED = "repaged"
    """People are paged again, with the reason."""
    MERGED = "merged"
    MOVED = "moved"
    SNOOZED = "snoozed"
    ASSIGNED = "assigned"
    NOTE = "note"
    """A remark for the timeline alone; a comment is told on the tickets too."""
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
class Listed:
    """An incident as a collective one lists it, from the time `at` (Unix seconds)."""

    id: str
    tenant: str
    service: str
    title: str
    severity: Severity
    at: float
    repaged: bool = False
    """True if it is listed instead of a further page of its own."""


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
class NamedCause:
    """The service in which the fault began, by evidence of `strength` nats as of event time `at`."""

    service: str
    strength: float
    at: float
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    """The outcome of a command: applied, or refused with the status that forbade it."""

    id: str
    applied: bool
    status: Status
    at: float
    reason: str = ""
    action: Action | None = None
    """None in records of older releases."""


# Without slots, so that ticketing.domain.records copies it at once.
@dataclass(frozen=True, kw_only=True)
class IncidentAlert:
    """An alert as a part of one incident.

    `episode` and `revision` are those of the latest state that was applied; `count` covers all
    episodes within this incident, `before` those ahead of the present one. Times are Unix seconds:
    `first_seen` and `last_seen` of the records (event time), `last_arrived_at` of their arrival.
    `minutes` holds (start, count) of the first hour. `needed` as in Alert. `reason` says why the
    alert is in this incident; `topic`, `partition` and `offset` name its first record; `config` and
    `judged` as in Alert.
    """

    fingerprint: str
    service: str
    title: str
    severity: Severity
    episode: int
    revision: int
    count: int
    first_seen: float
    last_seen: float
    last_arrived_at: float
    kind: AlertKind = AlertKind.PATTERN
    state: AlertState = AlertState.FIRING
    before: int = 0
    needed: int = 0
    minutes: list[tuple[int, int]] = field(default_factory=list)
    sample: Sample | None = None
    reason: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    config: str = ""
    judged: str = ""

    @property
    def version(self) -> tuple[int, int]:
        """The latest state of the alert that was applied."""
        return self.episode, self.revision


# Without slots, so that ticketing.domain.records copies it at once.
@dataclass(frozen=True, kw_only=True)
class Incident:
    """One fault, from its first anomaly to its resolution: one or more alerts of a scope.

    Times are Unix seconds: `first_seen` and `last_seen` of the records (event time), all others of
    arrival. `service`, `title`, `pattern` and `fingerprint` are those of the alert where it began; with
    `cause` the service is that one, and the title of its first alert.
    `windows` holds (start, count) of the latest tumbling windows; `count` is exact, the sum of the
    counts of all alerts.
    """

    id: str
    scope: str
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
    kind: Kind = Kind.FAULT
    environment: str = ""
    status: Status = Status.OPEN
    revision: int = 1
    """Rises with every change that others must see."""
    count: int = 0
    max_score: float = 0.0
    alerts: list[IncidentAlert] = field(default_factory=list)
    """The alerts, earliest first, at most `Policy.alerts_kept`."""
    alerts_total: int = 0
    alerts_firing: int = 0
    windows: list[tuple[int, int]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    """Every platform that the incident was ever routed to."""
    ticket_at: float = 0.0
    ticketed: bool = False
    """True once platforms are to hold tickets; then for good."""
    evidence_until: float = 0.0
    """The end of the wait for evidence, from which on the ticket waits no more; 0 if it never did."""
    waits_for: int = 0
    """The occurrences within a lookback window that the ticket waits for; 0 if it does not wait."""
    sporadic: bool = False
    """True while the ticket waits for the incident to come more often than before."""
    page: int = 1
    """The number of the page: rises when people are to be paged again, never for an update."""
    paged_at: float = 0.0
    """The time of the latest page; 0 before the first."""
    quietly: bool = False
    """True for a ticket that pages nobody, as the collective incident was acknowledged before."""
    collective_id: str = ""
    """The collective incident that lists this one, until it has a ticket of its own."""
    held_at: float = 0.0
    """The time since which `collective_id` lists the incident."""
    lists: list[Listed] = field(default_factory=list)
    """Of a collective incident: the latest incidents that it lists, bounded."""
    listed: int = 0
    """Of a collective incident: the number of incidents that it lists, or has listed."""
    ends_at: float | None = None
    """Of a collective incident: the time by which all that it lists have tickets of their own."""
    previous: str = ""
    """The incident of the same alert before this one."""
    split_from: str = ""
    """The incident that a person, or evidence, split this one from."""
    merged_into: str = ""
    """The incident that took this one's alerts; commands and reports go there."""
    merged: list[str] = field(default_factory=list)
    """The incidents whose alerts this one took, bounded."""
    stays_on: list[str] = field(default_factory=list)
    """Of a merged incident: platforms where its ticket stays until the other one holds one there or
    is resolved."""
    assignees: list[str] = field(default_factory=list)
    snoozed_until: float = 0.0
    """No page for firing again before this time; a rise of severity pages all the same."""
    links: list[Link] = field(default_factory=list)
    """Incidents that share requests, bounded."""
    unlinked: list[str] = field(default_factory=list)
    """Fingerprints that somebody has unlinked: they are never linked again."""
    take_by: dict[str, float] = field(default_factory=dict)
    """Deadlines of the platforms that hold no ticket yet; after one the fallback is notified."""
    failures: list[Failure] = field(default_factory=list)
    """Platforms that did not take the incident; bounded, newest last."""
    acknowledged_at: float | None = None
    escalated_at: float | None = None
    escalated_to: list[str] = field(default_factory=list)
    resolved_at: float | None = None
    resolution: Resolution | None = None
    """The way in which it was resolved; None while it is open."""
    touched_at: float = 0.0
    """The time of the latest command of a person or a platform."""
    reopenings: list[float] = field(default_factory=list)
    """The times of the latest reopenings, newest last, bounded."""
    flapping: bool = False
    last_arrived_at: float = 0.0
    """Arrival time of the latest anomaly; compared with the quiet clock."""
    quiet_since: float | None = None
    """Arrival time of the latest anomaly once all alerts are quiet, or the later time of a reopening
    by hand; None while an alert fires."""
    escalate_at: float | None = None
    publish_at: float | None = None
    """The time to publish counts that changed since the last publication."""
    timeline: list[Step] = field(default_factory=list)
    commands: list[CommandOutcome] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    cause: NamedCause | None = None
    """The cause by a verdict about the scope; None while there is none."""
    correlation: Findings | None = None
    attributions: list[Attribution] = field(default_factory=list)
    """The candidates of each outbreak, earliest outbreak first, bounded."""
    summary: Summary | None = None
    config: str = ""
    """The version of the configuration that decided."""
    left_out: list[str] = field(default_factory=list)
    """The kinds of evidence of which some went so that the record stays small (`bounds`)."""

    @property
    def reach(self) -> list[str]:
        """The affected services, each once: those of alerts, then those of records and traces."""
        own = [self.service, *(alert.service for alert in self.alerts)]
        traced = self.correlation.affected_services if self.correlation else []
        return [name for name in dict.fromkeys([*own, *self.affected_services, *traced]) if name]

    @property
    def root_cause(self) -> str:
        """The service in which the fault began, by a verdict or else by its requests; may be empty."""
        if self.cause is not None:
            return self.cause.service
        found = self.correlation
        return found.root_cause.service if found is not None and found.root_cause else ""
