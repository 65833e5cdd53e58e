"""The facts that can change an incident, besides anomalies, as they arrive in ticketing-signals."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A wish of a person or platform; its outcome stays in the incident under `id`."""

    id: str
    incident_id: str
    action: Action
    by: str = ""
    note: str = ""
    to: list[str] = field(default_factory=list)


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
    """Findings about the current incident of a fingerprint. Advisory."""

    tenant: str
    service: str
    fingerprint: str
    findings: Findings


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
