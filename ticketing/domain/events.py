"""The facts that can change an incident, as they arrive in the topic ticketing-events."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Findings


class Action(OpenEnum):
    """The actions that a person, a platform or a policy may ask for; an unknown one is refused."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    COMMENT = "comment"
    FORWARD = "forward"
    UNLINK = "unlink"
    NOTE = "note"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A wish of a person or platform; its outcome stays in the incident under `id`.

    `to` names platforms, teams or people; `alerts` the fingerprints that a split or a move takes;
    `target` the other incident of a merge or a move; `until` the end of a snooze (Unix seconds).
    `tenants` are those of its sender, None for all: an incident of another one is unknown to it.
    """

    id: str
    incident_id: str
    action: Action
    by: str = ""
    note: str = ""
    to: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    target: str = ""
    until: float = 0.0
    tenants: list[str] | None = None

    def sees(self, tenant: str) -> bool:
        """True for a tenant of the sender."""
        return self.tenants is None or tenant in self.tenants


class TicketState(OpenEnum):
    """The states of a platform's ticket.

    An unknown one counts as pending for the incident, whose fallback goes on watching; a ticket
    that is held in an unknown state is taken for open (`sinks.delivery.reconcile`).
    """

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The state of a ticket that a platform's adapter has reached, or the error that it met.

    `revision` is the incident revision that the ticket reflects; `on_call` names the people on call
    according to the platform.
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
class Correlation:
    """Findings about the incident of an alert, which is known by its fingerprint. Advisory."""

    scope: str
    fingerprint: str
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A service in which a fault began, according to the evidence. `strength` is in nats.

    `began` is the event time (Unix s) from which on requests show it, 0 if that is not known.
    """

    service: str
    strength: float
    reasons: list[str] = field(default_factory=list)
    began: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """The place of an alert below the causes of a verdict.

    `cause` is an index of `Verdict.causes`, -1 for none. `fit` is the share (0 to 1) of the alert
    that the cause explains, or the largest share if none does. `risen` is False for an alert that
    comes no more often than before. `strength` is the certainty of its rise in nats.
    `requests` counts the requests that hold the alert; `of` those of its service in all that is
    remembered, 0 if that says nothing of what is usual now; `near` lists the fingerprints that share
    most requests with it, the nearest first.
    """

    fingerprint: str
    cause: int = -1
    fit: float = 0.0
    risen: bool = True
    requests: int = 0
    of: int = 0
    strength: float = 0.0
    near: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The evidence of a scope as of the event time `at` (Unix seconds). Advisory.

    `causes` holds the faults, strongest first, and `alerts` the alerts below or beside them.
    `ranking` orders services by all evidence, each taken alone. `edges` are calls lately seen,
    each as (service of the caller, service that was called). An older verdict of a scope changes
    nothing.
    """

    scope: str
    at: float
    causes: list[Cause] = field(default_factory=list)
    alerts: list[Hung] = field(default_factory=list)
    ranking: list[Cause] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The state of an incident when a model was last asked about it; shows later if it has changed.

    `at` and `reopened_at` are Unix seconds; `calls` counts the calls for this incident so far.
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
    """The writer's opinion; `llm.mayRaiseSeverity` lets it count."""
    tags: list[str] = field(default_factory=list)
    basis: Basis | None = None
