"""Tables are read back before their partitions begin, for as long as it takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.tables.recovery import Recovery
from faust.types import TP

from ticketing import metrics
from ticketing.engine.changelog import Change
from ticketing.engine.recovery import DurableRecovery

A, B, C = TP("log", 0), TP("log", 1), TP("log", 2)


class Table:
    def __init__(self) -> None:
        self.applied: list[tuple[int, int, int]] = []

    def apply(self, partition: int, changes: list[Change], offset: int) -> None:
        self.applied.append((partition, len(changes), offset))


class Changelogs:
    def __init__(self) -> None:
        self.parts: dict[TP, tuple[int, int]] = {}
        self.left: list[float] = []

    async def read_all(self, parts: dict[TP, tuple[int, int]], apply: Any) -> None:
        self.parts = parts
        for place, (first, end) in parts.items():
            for offset in range(first, end):
                self.left.append(metrics.recovery_records_left._value.get())
                apply(place, [Change(offset, b"k", b"v", 1)], offset)


def recovery() -> tuple[Any, Table, Changelogs]:
    found: Any = object.__new__(DurableRecovery)
    table, changelogs = Table(), Changelogs()
    found.app = SimpleNamespace(changelogs=changelogs)
    found.tp_to_table = dict.fromkeys((A, B, C), table)
    found.active_highwaters = {A: 4, B: 9, C: -1}
    return found, table, changelogs


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The timeouts of Faust's waits, and its own steps away."""
    found: list[Any] = []

    async def wait(self: Any, coro: Any, timeout: Any = None) -> None:
        found.append(timeout)
        coro.close()

    async def step(*_: Any) -> None:
        return None

    monkeypatch.setattr(Recovery, "_wait", wait)
    monkeypatch.setattr(Recovery, "_build_offsets", step)
    monkeypatch.setattr(Recovery, "_seek_offsets", step)
    return found


async def test_what_the_disk_lacks_is_read_to_the_end(waits: list[Any]) -> None:
    found, table, changelogs = recovery()
    offsets = {A: 1, B: 9, C: -1}
    timed = metrics.recovery_seconds._sum
    before = timed.get()
    await found._seek_offsets(None, {A, B, C}, offsets, "active")
    assert changelogs.parts == {A: (2, 5)}
    assert table.applied == [(0, 1, 2), (0, 1, 3), (0, 1, 4)]
    assert offsets == {A: 4, B: 9, C: -1}, "Faust has nothing left to read"
    assert changelogs.left == [3.0, 2.0, 1.0]
    assert metrics.recovery_records_left._value.get() == 0.0
    assert timed.get() > before


async def test_reading_back_has_no_deadline_and_all_else_has(waits: list[Any]) -> None:
    found, _, _ = recovery()

    async def step() -> None:
        return None

    async def waited() -> Any:
        await found._wait(step(), timeout=30.0)
        return waits[-1]

    assert await waited() == 30.0
    await found._build_offsets(None, {A}, {A: -1}, "active")
    await found._build_offsets(None, set(), {}, "standby")
    assert await waited() is None
    await found._seek_offsets(None, {A}, {A: -1}, "active")
    assert await waited() == 30.0
