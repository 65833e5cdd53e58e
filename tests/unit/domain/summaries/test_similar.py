"""Past incidents: the most similar ones of the same tenant, with how they ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ticketing.domain.incidents.incident import Incident, Kind, Status, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.summaries.similar import Memory


def incident(number: int, pattern: str = "payment <num> timed out", **changes: Any) -> Incident:
    known = Incident(
        id=f"{number:x}-0-{number}",
        fingerprint=f"{number:x}",
        tenant="acme",
        service="checkout",
        pattern=pattern,
        title=pattern,
        severity=Severity.HIGH,
        opened_at=float(number),
        updated_at=float(number),
        first_seen=0.0,
        last_seen=0.0,
    )
    return replace(known, **changes)


def resolved(number: int, pattern: str = "payment <num> timed out", **changes: Any) -> Incident:
    note = changes.pop("note", "")
    by = changes.pop("by", "jane")
    step = Step(seq=1, at=1.0, kind=StepKind.RESOLVED, by=by, text=note)
    ended = {"status": Status.RESOLVED, "resolved_at": float(number) + 60, "timeline": [step]}
    return incident(number, pattern, **{**ended, **changes})


def test_the_same_fault_comes_first_then_the_most_alike() -> None:
    memory = Memory()
    memory.note(resolved(1, "disk is full"))
    memory.note(resolved(2, "payment gateway <num> timed out", note="restarted the gateway"))
    memory.note(resolved(3, note="rolled back"))
    found = memory.like(replace(incident(9), fingerprint="3"))
    assert [one.id for one in found] == ["3-0-3", "2-0-2"]
    assert [one.notes for one in found] == [["rolled back"], ["restarted the gateway"]]


def test_tenants_never_see_each_others_past() -> None:
    memory = Memory()
    memory.note(resolved(1, tenant="other"))
    assert memory.like(incident(9)) == []


def test_what_policy_wrote_is_no_word_on_how_it_ended() -> None:
    memory = Memory()
    memory.note(resolved(1, note="quiet for 600 s", by="policy"))
    assert memory.like(incident(9))[0].notes == []


def test_an_incident_is_not_its_own_past_and_a_reopened_one_is_no_past() -> None:
    memory = Memory()
    memory.note(resolved(1))
    assert memory.like(incident(1)) == []
    memory.note(incident(1))
    assert memory.like(incident(9)) == []


def test_collective_incidents_are_not_kept() -> None:
    memory = Memory()
    memory.note(resolved(1, kind=Kind.OVERFLOW))
    assert memory.like(incident(9)) == []


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    memory = Memory(tenants=2, per_tenant=3)
    for number in range(1, 6):
        memory.note(resolved(number))
    assert {one.id for one in memory.like(incident(99), 10)} == {"3-0-3", "4-0-4", "5-0-5"}
    assert len(memory) == 3
    memory.forget("5-0-5")
    memory.forget("never-heard-of")
    assert len(memory) == 2
    for tenant in ("b", "c"):
        memory.note(resolved(7, id=f"7-0-{tenant}", tenant=tenant))
    assert len(memory) == 2
    assert memory.like(incident(99)) == []
