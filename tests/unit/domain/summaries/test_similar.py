"""Past incidents: the most similar ones of the same tenant, with how they ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support import incidents
from support.incidents import id_of, numbered

from ticketing.domain.incidents.incident import Incident, Kind
from ticketing.domain.patterns.word import MASK
from ticketing.domain.summaries.similar import Memory

FAULT = f"payment {MASK} timed out"


def incident(number: int, pattern: str = FAULT, **changes: Any) -> Incident:
    return numbered(number, **{"pattern": pattern, "title": pattern, **changes})


def resolved(
    number: int, pattern: str = FAULT, note: str = "", by: str = "jane", **changes: Any
) -> Incident:
    before = incident(number, pattern, ticketed=True, **changes)
    return incidents.resolved(before, before.opened_at + 60.0, note, by)


def test_the_same_fault_comes_first_then_the_most_alike() -> None:
    memory = Memory()
    memory.note(resolved(1, "disk is full"))
    memory.note(resolved(2, f"payment gateway {MASK} timed out", note="restarted the gateway"))
    memory.note(resolved(3, note="rolled back"))
    found = memory.like(replace(incident(9), fingerprint=incident(3).fingerprint))
    assert [one.id for one in found] == [id_of(3), id_of(2)]
    assert [one.notes for one in found] == [["rolled back"], ["restarted the gateway"]]


def test_tenants_never_see_each_others_past() -> None:
    memory = Memory()
    memory.note(resolved(1, tenant="other"))
    assert memory.like(incident(9)) == []


def test_what_policy_wrote_is_no_word_on_how_it_ended() -> None:
    memory = Memory()
    memory.note(resolved(1, note="quiet for 600 s", by="policy"))
    assert memory.like(incident(9))[0].notes == []


def test_neither_itself_nor_a_reopened_incident_is_past() -> None:
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
    assert {one.id for one in memory.like(incident(99), 10)} == {id_of(3), id_of(4), id_of(5)}
    assert len(memory) == 3
    memory.forget(id_of(5))
    memory.forget("never-heard-of")
    assert len(memory) == 2
    for tenant in ("b", "c"):
        memory.note(resolved(7, id=f"7-0-{tenant}", tenant=tenant))
    assert len(memory) == 2
    assert memory.like(incident(99)) == []
