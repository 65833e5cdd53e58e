"""The largest record that the intake lets in is brought below the bound, and what must stay stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.incidents import incident, largest_incident

from ticketing.domain.incidents.bounds import RECORD_BYTES_MAX, bounded
from ticketing.domain.incidents.incident import (
    Failure,
    Incident,
    Step,
    StepKind,
)
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.domain.signals import Sample


def size_of(one: Incident) -> int:
    return len(msgspec.json.encode(one))


def test_the_largest_record_is_brought_below_the_bound_and_keeps_what_must_stay() -> None:
    before = largest_incident()
    assert size_of(before) > 10 * RECORD_BYTES_MAX
    after = bounded(before, size_of)
    assert size_of(after) <= RECORD_BYTES_MAX
    for name in ("id", "fingerprint", "tenant", "service", "status", "count", "routes"):
        assert getattr(after, name) == getattr(before, name)
    for name in ("opened_at", "first_seen", "reopenings", "severity", "revision", "collective_id"):
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


def test_texts_of_steps_of_the_life_are_cut_before_the_steps_go() -> None:
    known = incident(timeline=steps(*[StepKind.OPENED, *[StepKind.ESCALATED] * 39]))
    after = bounded(known, size_of)
    assert [step.seq for step in after.timeline] == list(range(1, 41))
    assert after.left_out == ["notes"]
    assert after.timeline[-1].text == "x" * 3_000


def test_the_oldest_samples_go_first() -> None:
    samples = [Sample(at=1.0, message="x" * 4_000, offset=n) for n in range(15)]
    kept = [sample.offset for sample in bounded(incident(samples=samples), size_of).samples]
    assert kept == list(range(15 - len(kept), 15))
    assert len(kept) > 8
