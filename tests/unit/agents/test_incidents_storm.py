"""A storm of one scope costs the incidents' writer the same for each alert, however long it lasts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import alert

from ticketing.domain.incidents import ceilings
from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.severity import Severity
from ticketing.engine.transaction import Transaction

ROWS_READ_MAX = 12
"""The rows that the decision about one new alert may ask for: its own, its incident, two guards, the
collective incident with its pointer, some of them more than once."""
ROWS_WRITTEN_MAX = 5
"""The alert, its incident, two guards, the collective incident."""


class Counting:
    """Counts the calls of a transaction's methods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        for name in ("get", "put"):
            monkeypatch.setattr(Transaction, name, self._counted(name, getattr(Transaction, name)))

    def _counted(self, name: str, method: Any) -> Any:
        def counted(tx: Any, *args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return method(tx, *args, **named)

        return counted


def storm(desk: Desk, first: int, count: int, batch: int = 100) -> None:
    """So many new alerts of one scope over fifty services, in batches, within some seconds."""
    for start in range(first, first + count, batch):
        bodies = [
            alert(f"{number:x}", service=f"s{number % 50}", severity=Severity.CRITICAL)
            for number in range(start, start + batch)
        ]
        desk.send(*bodies, at=desk.now + 0.1)


def test_a_new_alert_of_a_storm_touches_a_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"max_pages_per_scope": 100, "max_pages_per_minute": 200}
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, **limits))
    storm(desk, 0, 600)
    counting = Counting(monkeypatch)
    storm(desk, 600, 300)
    assert 300 <= counting.calls["put"] <= 300 * ROWS_WRITTEN_MAX
    assert 300 <= counting.calls["get"] <= 300 * ROWS_READ_MAX


class Asked(float):
    """A time that counts how often any is compared with another."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        Asked.compared += 1
        return float.__lt__(self, other)

    def __gt__(self, other: float) -> bool:
        Asked.compared += 1
        return float.__gt__(self, other)

    def __le__(self, other: float) -> bool:
        Asked.compared += 1
        return float.__le__(self, other)

    def __ge__(self, other: float) -> bool:
        Asked.compared += 1
        return float.__ge__(self, other)


def test_a_ceiling_looks_at_a_few_of_the_latest_pages() -> None:
    policy = policy_with()
    now = 100_000.0
    guard = Guard(paged=[Asked(now - 60 + n * 0.03) for n in range(2_000)])
    Asked.compared = 0
    assert not ceilings.has_room(guard, Severity.HIGH, 1_000, now, policy)
    assert not ceilings.has_place(guard, 1_000, now, policy)
    ceilings.queueing(guard, Severity.HIGH, 1_000, now, policy)
    ceilings.idle_at(guard, now, policy)
    assert Asked.compared < 100


def test_pages_of_a_clock_that_was_set_back_do_not_count() -> None:
    policy = policy_with()
    guard = Guard(paged=[1000.0, 1050.0, 1070.0])
    assert ceilings.lately(guard, 1060.0, policy) == [1050.0]
    assert ceilings.lately(guard, 1059.0, policy) == [1000.0, 1050.0]
    assert ceilings.has_place(guard, 2, 1060.0, policy)
    assert not ceilings.has_place(guard, 1, 1060.0, policy)
    assert ceilings.paging(guard, 1060.0, policy).paged == [1050.0, 1060.0]
