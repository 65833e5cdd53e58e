"""A worker's memory of whole requests, from which tallies are made."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from ticketing.domain.evidence import ledger as module
from ticketing.domain.evidence.ledger import AGAIN_SECONDS, REQUESTS_MAX, SLOTS_MAX, Ledger
from ticketing.domain.evidence.packing import packed
from ticketing.domain.traces.facts import Facts, Observed

SCOPE = "0123456789abcdef"
START = 1_700_000_000.0


def request(number: int, at: float = START, calls: int = 1) -> Facts:
    observed = tuple(
        Observed(
            trace_id=f"t{number}",
            operation=(f"s{place}", "op"),
            own=0.01,
            duration=0.01,
            lines=1,
            failed=False,
            origin=False,
            excused=False,
            spoiled=False,
            children=(),
            gaps=(0.0,),
        )
        for place in range(calls)
    )
    return Facts(f"t{number}", at, 0.1, ("s0", "op"), observed, failed=False)


def told(ledger: Ledger, now: float = 0.0) -> dict[int, Any]:
    found = {}
    while due := ledger.due(math.inf, now):
        for one in due:
            found[one.slot] = sorted(packed(one.tally)[1], key=repr)
    return found


def count(ledger: Ledger, now: float = 0.0) -> dict[int, int]:
    found: dict[int, int] = {}
    while due := ledger.due(math.inf, now):
        for one in due:
            items = one.tally.operations[("", "")]
            found[one.slot] = sum(item.count for item in items.values())
    return found


def test_a_slot_is_told_once_its_requests_are_complete_and_again_when_it_changes() -> None:
    ledger = Ledger()
    ledger.add(SCOPE, request(1), {})
    assert ledger.due(START + 10.0, 0.0) == []
    assert len(ledger.due(START + 15.0, 0.0)) == 1
    assert ledger.due(math.inf, 1.0) == []
    ledger.add(SCOPE, request(2), {})
    assert ledger.due(math.inf, 1.0) == []
    (again,) = ledger.due(math.inf, AGAIN_SECONDS)
    assert again.tally.operations[("", "")].popitem()[1].count == 2


def test_late_lines_replace_a_requests_facts_also_where_it_ends_in_another_slot() -> None:
    ledger = Ledger()
    ledger.add(SCOPE, request(1), {"f": "s0"})
    ledger.add(SCOPE, request(1, calls=2), {"f": "s0"}, START)
    whole = Ledger()
    whole.add(SCOPE, request(1, calls=2), {"f": "s0"})
    assert told(ledger) == told(whole)
    ledger.add(SCOPE, request(1, START + 20.0, calls=3), {}, START)
    first = int(START // 10)
    assert count(ledger, AGAIN_SECONDS) == {first: 0, first + 2: 1}


def test_facts_of_fewer_calls_replace_none() -> None:
    ledger = Ledger()
    ledger.add(SCOPE, request(1, calls=3), {})
    before = told(ledger)
    ledger.add(SCOPE, request(1, calls=1), {})
    ledger.add(SCOPE, request(1, calls=3), {})
    assert told(ledger, AGAIN_SECONDS) == before


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sample_is_the_same_in_whatever_order_requests_come(seed: int) -> None:
    numbers = list(range(500))
    one, other = Ledger(), Ledger()
    for number in numbers:
        one.add(SCOPE, request(number), {})
    random.Random(seed).shuffle(numbers)
    for number in numbers:
        if other.wants(SCOPE, f"t{number}", START):
            other.add(SCOPE, request(number), {})
    assert len(one) == len(other) == REQUESTS_MAX
    assert told(one) == told(other)


def test_a_slot_that_was_forgotten_is_never_told_from_a_part_of_it() -> None:
    ledger = Ledger()
    for number in range(SLOTS_MAX + 1):
        ledger.add(SCOPE, request(number, START + 10.0 * number), {})
    told(ledger)
    ledger.add(SCOPE, request(999), {})
    assert told(ledger, AGAIN_SECONDS) == {}
    assert ledger.take_dropped() == {"late_requests": 1, "untold_requests": 1}


def test_requests_of_all_scopes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FACTS_MAX", 50)
    ledger = Ledger()
    for number in range(1_000):
        ledger.add(f"{number % 7:016x}", request(number, START + number), {})
        assert len(ledger) <= 50
    assert sum(count(ledger).values()) <= 50 * 7


def test_requests_of_many_calls_are_bounded_by_these(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALLS_MAX", 1_000)
    ledger = Ledger()
    for number in range(500):
        at = START + number % 40
        ledger.add(f"{number % 3:016x}", request(number, at, calls=1 + number % 9), {})
        # Lines that come late, which also move the end.
        ledger.add(f"{number % 3:016x}", request(number, at + 10.0, calls=9), {}, at)
        held = [
            len(facts.observed)
            for scope in ledger._scopes.values()
            for slot in scope.slots.values()
            for _, facts, _ in slot.requests.values()
        ]
        assert sum(held) == ledger._calls <= 1_000
        assert len(held) == len(ledger)
