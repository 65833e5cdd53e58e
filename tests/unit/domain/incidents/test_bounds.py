"""The largest record that the intake lets in is brought below the bound, and what must stay stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.incidents import incident

from ticketing.domain import intake
from ticketing.domain.incidents.bounds import RECORD_BYTES_MAX, bounded
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
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.domain.signals import Sample, TicketState

ESCAPED = "\x01"
"""Six bytes of JSON: what an older release may have stored."""


def size_of(one: Incident) -> int:
    return len(msgspec.json.encode(one))


def text(bytes_max: int) -> str:
    return ESCAPED * (bytes_max // 6)


def largest() -> Incident:
    note, label, id = text(intake.NOTE_BYTES_MAX), text(intake.LABEL_BYTES_MAX), "i" * 256
    name = text(intake.NAME_BYTES_MAX)
    kinds = [StepKind.OPENED, StepKind.ESCALATED, StepKind.COMMENT, StepKind.RESOLVED]
    return incident(
        "f" * 256,
        id=id,
        tenant=name,
        service=name,
        environment=label,
        pattern=text(intake.PATTERN_BYTES_MAX),
        title=text(intake.TITLE_BYTES_MAX),
        status=Status.ESCALATED,
        count=10**12,
        windows=[(10**9 + n, 10**9) for n in range(96)],
        samples=[
            Sample(at=1.0, message=text(intake.MESSAGE_BYTES_MAX), host=label, endpoint=label)
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
        escalated_to=[text(intake.TARGET_BYTES_MAX)] * 20,
        reopenings=[1.0] * 16,
        timeline=[
            Step(seq=n + 1, at=1.0, kind=kinds[n % 4], by=text(intake.BY_BYTES_MAX), text=note)
            for n in range(50)
        ],
        commands=[
            CommandOutcome(id="c" * 256, applied=True, status=Status.OPEN, at=1.0, reason=text(600))
        ]
        * 16,
        tickets={
            f"p{n}": Ticket(
                platform="p" * 64,
                state=TicketState.OPEN,
                external_id=label,
                key=label,
                url="https://" + "u" * 2_000,
                error=text(intake.ERROR_BYTES_MAX),
                on_call=label,
            )
            for n in range(8)
        },
    )


def test_the_largest_record_is_brought_below_the_bound_and_keeps_what_must_stay() -> None:
    before = largest()
    assert size_of(before) > 10 * RECORD_BYTES_MAX
    after = bounded(before, size_of)
    assert size_of(after) <= RECORD_BYTES_MAX
    for name in ("id", "fingerprint", "tenant", "service", "status", "count", "routes", "held_by"):
        assert getattr(after, name) == getattr(before, name)
    for name in ("opened_at", "first_seen", "reopenings", "severity", "revision", "asked"):
        assert getattr(after, name) == getattr(before, name)
    assert [(one.id, one.applied) for one in after.commands] == [("c" * 256, True)] * 16
    assert {name: ticket.state for name, ticket in after.tickets.items()} == {
        name: ticket.state for name, ticket in before.tickets.items()
    }
    assert after.timeline[0].seq == 1
    assert after.timeline[-1].seq == 50
    assert steps_left_out(after.timeline) == 50 - len(after.timeline) > 40
    assert bounded(after, size_of) is after


def test_a_record_within_the_bound_is_the_very_same() -> None:
    known = incident()
    assert bounded(known, size_of) is known


def steps(*kinds: StepKind, text: str = "x" * 3_000) -> list[Step]:
    return [Step(seq=n + 1, at=1.0, kind=kind, text=text) for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        (
            {"samples": [Sample(at=1.0, message="x" * 4_000, offset=n) for n in range(15)]},
            "samples",
        ),
        ({"endpoints": ["x" * 500] * 100}, "affected"),
        (
            {"failures": [Failure(platform="a", reason="b", text="x" * 900, at=1.0)] * 60},
            "failures",
        ),
    ],
)
def test_what_went_is_named(changes: dict[str, Any], left_out: str) -> None:
    after = bounded(incident(**changes), size_of)
    assert size_of(after) <= RECORD_BYTES_MAX
    assert left_out in after.left_out


def test_remarks_go_before_steps_of_the_life_and_the_oldest_first() -> None:
    comment, escalated = StepKind.COMMENT, StepKind.ESCALATED
    life = [StepKind.OPENED, escalated, StepKind.REOPENED]
    known = incident(timeline=steps(*life, *[comment] * 4, escalated, *[comment] * 14))
    kept = [step.seq for step in bounded(known, size_of).timeline]
    assert kept[:4] == [1, 2, 3, 8]
    assert kept[4:] == list(range(22 - len(kept[4:]) + 1, 23))


def test_the_oldest_samples_go_first() -> None:
    samples = [Sample(at=1.0, message="x" * 4_000, offset=n) for n in range(15)]
    kept = [sample.offset for sample in bounded(incident(samples=samples), size_of).samples]
    assert kept == list(range(15 - len(kept), 15))
    assert len(kept) > 8
