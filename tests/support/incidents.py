"""Incidents and the signals that make them: a usual one, with only the changes a test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.configured import policy_with

from sinks.delivery.wishes import encode_wish
from ticketing.domain import intake
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.events import TicketState
from ticketing.domain.incidents import lifecycle
from ticketing.domain.incidents.incident import (
    CommandOutcome,
    Failure,
    Incident,
    Link,
    Status,
    Step,
    StepKind,
    Ticket,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.patterns.pattern import Patterns
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample
from ticketing.wire.incidents import encode_incident

FINGERPRINT = "0123456789abcdef"
ID = f"{FINGERPRINT}-2-41"
TITLE = "Payment 17 timed out"
AT = 1000.0
"""When the usual incident was opened: Unix seconds."""
PATTERNS = Patterns()


def incident(fingerprint: str = FINGERPRINT, *, at: float = AT, **changes: Any) -> Incident:
    """An open incident that was opened at `at` and has counted three anomalies by then."""
    title = changes.get("title", TITLE)
    known: dict[str, Any] = {
        "id": f"{fingerprint}-2-41",
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
        "timeline": [Step(seq=1, at=at, kind=StepKind.OPENED)],
    }
    return Incident(**{**known, **changes})


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
    return f"{number:016x}-1-{number}"


def resolved(before: Incident, at: float, note: str = "", by: str = "ada") -> Incident:
    """The incident as its writer publishes it when somebody has resolved it at `at`."""
    return lifecycle.published(lifecycle.resolved(before, at, policy_with(), note, by), at)


def anomalies(fingerprint: str = "aa", *offsets: int, **changes: Any) -> Anomalies:
    """What detection sends of these offsets of a source partition, all in one window."""
    known: dict[str, Any] = {
        "fingerprint": fingerprint,
        "tenant": "t",
        "service": "s",
        "pattern": f"pattern {fingerprint}",
        "source": "t-0",
        "severity": Severity.HIGH,
        "windows": {0: sorted(offsets)},
        "first_seen": 10.0,
        "last_seen": 11.0,
        "max_score": 0.9,
    }
    return Anomalies(**{**known, **changes})


def opened(found: Anomalies, at: float, policy: Policy, **changes: Any) -> Incident:
    """The incident that these anomalies open, by the writer's own rule, with a few changes."""
    id = f"{found.fingerprint}-2-41"
    made = lifecycle.opened(found, fresh_above(found, -1), at, policy, id=id, offset=41)
    return replace(made, **changes)


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
        held_by=id,
        asked=id,
        symptoms=[id] * 200,
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
