"""Incidents and the alerts that make them: a usual one, with only the changes a test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.configured import policy_with

from sinks.delivery.wishes import encode_wish
from ticketing.domain import intake
from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.events import TicketState
from ticketing.domain.incidents import joining, lifecycle
from ticketing.domain.incidents.incident import (
    CommandOutcome,
    Failure,
    Incident,
    IncidentAlert,
    Link,
    Listed,
    Resolution,
    Status,
    Step,
    StepKind,
    Ticket,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.patterns.pattern import Patterns
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.wire.incidents import encode_incident

FINGERPRINT = "0123456789abcdef"
SCOPE = scope_of("acme", "")
ID = f"{SCOPE}-{FINGERPRINT}"
TITLE = "Payment 17 timed out"
AT = 1000.0
"""When the usual incident was opened: Unix seconds."""
PATTERNS = Patterns()


def incident(fingerprint: str = FINGERPRINT, *, at: float = AT, **changes: Any) -> Incident:
    """An open incident that was opened at `at` and has counted three anomalies by then."""
    title = changes.get("title", TITLE)
    known: dict[str, Any] = {
        "id": f"{SCOPE}-{fingerprint:0>16}",
        "scope": SCOPE,
        "fingerprint": fingerprint,
        "tenant": "acme",
        "service": "checkout",
        "pattern": PATTERNS.of(title),
        "title": title,
        "severity": Severity.HIGH,
        "opened_at": at,
        "updated_at": at,
        "first_seen": at - 10.0,
        "last_seen": at - 1.0,
        "count": 3,
        "max_score": 0.95,
        "last_arrived_at": at,
        "alerts_total": 1,
        "alerts_firing": 1,
        "timeline": [Step(seq=1, at=at, kind=StepKind.OPENED)],
    }
    return Incident(**{**known, **changes})


def member(fingerprint: str = FINGERPRINT, *, at: float = AT, **changes: Any) -> IncidentAlert:
    """The alert of the usual incident, as the incident keeps it."""
    known: dict[str, Any] = {
        "fingerprint": fingerprint,
        "service": "checkout",
        "title": TITLE,
        "severity": Severity.HIGH,
        "episode": 1,
        "revision": 1,
        "count": 3,
        "first_seen": at - 10.0,
        "last_seen": at - 1.0,
        "last_arrived_at": at,
    }
    return IncidentAlert(**{**known, **changes})


def ticketed(fingerprint: str = FINGERPRINT, *, at: float = AT, **changes: Any) -> Incident:
    """An open incident that is to have tickets on PagerDuty and Slack."""
    known = {"routes": ["pagerduty", "slack"], "ticketed": True, "ticket_at": at}
    return incident(fingerprint, at=at, **{**known, **changes})


def numbered(number: int, *, at: float = AT, **changes: Any) -> Incident:
    """One of several incidents, each with an id, a title and a time of opening of its own."""
    known = {
        "id": id_of(number),
        "title": f"payment failed {number}",
        "opened_at": at + number,
        "updated_at": at + number,
    }
    return incident(f"{number:016x}", at=at, **{**known, **changes})


def id_of(number: int) -> str:
    """The id of a numbered incident."""
    return f"{SCOPE}-{number:016x}"


def resolved(before: Incident, at: float, note: str = "", by: str = "ada") -> Incident:
    """The incident as its writer publishes it when somebody has resolved it at `at`."""
    policy = policy_with()
    after = lifecycle.resolved(before, Resolution.COMMAND, at, policy, note, by)
    return lifecycle.published(after, at)


def alert(fingerprint: str = "aa", count: int = 1, *, at: float = AT, **changes: Any) -> Alert:
    """A state of a firing alert whose records happened and arrived at `at`."""
    known: dict[str, Any] = {
        "fingerprint": fingerprint,
        "tenant": "t",
        "environment": "",
        "service": "s",
        "pattern": f"pattern {fingerprint}",
        "title": f"title {fingerprint}",
        "severity": Severity.HIGH,
        "first_seen": at,
        "last_seen": at,
        "arrived_at": at,
        "last_arrived_at": at,
        "revision": count,
        "count": count,
        "max_score": 0.9,
        "windows": [(0, count)],
    }
    return Alert(**{**known, **changes})


def later(known: Alert, count: int, *, at: float, **changes: Any) -> Alert:
    """The next state of an alert in its episode, with `count` records by then."""
    next_ = {"last_seen": at, "last_arrived_at": at, "count": count, "windows": [(0, count)]}
    return replace(known, revision=known.revision + 1, **{**next_, **changes})


def quiet(known: Alert) -> Alert:
    """The alert, quiet."""
    return replace(known, revision=known.revision + 1, state=AlertState.QUIET)


def again(known: Alert, count: int = 1, *, at: float, **changes: Any) -> Alert:
    """The first state of the next episode of an alert."""
    next_: dict[str, Any] = {
        "first_seen": at,
        "last_seen": at,
        "arrived_at": at,
        "last_arrived_at": at,
        "count": count,
        "windows": [(0, count)],
        "state": AlertState.FIRING,
    }
    return replace(known, episode=known.episode + 1, revision=1, **{**next_, **changes})


def opened(found: Alert, at: float, policy: Policy, **changes: Any) -> Incident:
    """The incident that an alert opens, by the writer's own rule, with a few changes."""
    scope = scope_of(found.tenant, found.environment)
    made = lifecycle.opened(found, at, policy, id=f"{scope}-{FINGERPRINT}", scope=scope)
    part = joining.state_of(found, None, joining.Origin())
    return replace(joining.joined(made, found, None, part, at, policy), **changes)


def wish(incident: Incident) -> bytes:
    """The message by which a platform's adapter gets an incident, as the sink agent makes it."""
    return encode_wish(encode_incident(incident))


def _longest(bytes_max: int) -> str:
    return "\x01" * (bytes_max // 6)


def largest_incident() -> Incident:
    """The largest record that signals can make, before it is cut: each character takes six bytes."""
    note, label, id = _longest(intake.NOTE_BYTES_MAX), _longest(intake.LABEL_BYTES_MAX), "i" * 256
    name = _longest(intake.NAME_BYTES_MAX)
    kinds = [StepKind.OPENED, StepKind.ESCALATED, StepKind.COMMENT, StepKind.RESOLVED]
    return incident(
        "f" * 256,
        id=id,
        tenant=name,
        service=name,
        environment=label,
        pattern=_longest(intake.PATTERN_BYTES_MAX),
        title=_longest(intake.TITLE_BYTES_MAX),
        status=Status.ESCALATED,
        count=10**12,
        windows=[(10**9 + n, 10**9) for n in range(96)],
        samples=[
            Sample(at=1.0, message=_longest(intake.MESSAGE_BYTES_MAX), host=label, endpoint=label)
            for _ in range(8)
        ],
        trace_ids=[label] * 20,
        endpoints=[label] * 20,
        affected_services=[label] * 50,
        routes=["slack", "jira"],
        collective_id=id,
        merged_into=id,
        merged=[id] * 20,
        assignees=[_longest(intake.TARGET_BYTES_MAX)] * 20,
        alerts=[
            member(
                "f" * 256,
                service=name,
                title=_longest(intake.TITLE_BYTES_MAX),
                sample=Sample(at=1.0, message=_longest(600), host=_longest(128)),
                minutes=[(10**9 + n, 10**9) for n in range(60)],
            )
        ]
        * 20,
        lists=[
            Listed(id=id, tenant=name, service=name, title=label, severity=Severity.HIGH, at=1.0)
        ]
        * 50,
        unlinked=[id] * 50,
        links=[Link(fingerprint="f" * 256, service=name, id=id, title=label)] * 20,
        failures=[Failure(platform="jira", reason="rejected", text=label, at=1.0)] * 16,
        escalated_to=[_longest(intake.TARGET_BYTES_MAX)] * 20,
        reopenings=[1.0] * 16,
        timeline=[
            Step(seq=n + 1, at=1.0, kind=kinds[n % 4], by=_longest(intake.BY_BYTES_MAX), text=note)
            for n in range(50)
        ],
        commands=[
            CommandOutcome(
                id="c" * 256, applied=True, status=Status.OPEN, at=1.0, reason=_longest(600)
            )
        ]
        * 16,
        tickets={
            f"p{n}": Ticket(
                platform="p" * 64,
                state=TicketState.OPEN,
                external_id=label,
                key=label,
                url="https://" + "u" * 2_000,
                error=_longest(intake.ERROR_BYTES_MAX),
                on_call=label,
            )
            for n in range(8)
        },
    )
