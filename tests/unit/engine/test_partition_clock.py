"""The clock of a partition: whatever clocks say, no time passes faster or slower than it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.partition import MemoryPartition
from support.records import Record

from ticketing.engine.partition_clock import (
    CONFIRM_SECONDS,
    REFRESH_SECONDS,
    STEP_SECONDS,
    PartitionClock,
)
from ticketing.engine.statemachine import TICK_KEY, Machine, Transaction

START = 1_800_000_000.0
HOUR = 3600.0


def clock(boot: float = 100.0) -> PartitionClock:
    found = PartitionClock()
    assert found.read(boot) is None
    assert found.wants_message(boot)
    assert found.heard(START, boot) == 0.0
    return found


def test_the_time_goes_on_between_two_messages() -> None:
    one = clock()
    for boot in range(100, 100 + int(REFRESH_SECONDS)):
        assert one.read(boot) == START + boot - 100.0
        assert not one.wants_message(boot)
    assert one.wants_message(100.0 + REFRESH_SECONDS)


@pytest.mark.parametrize("passed", [0.0, 40.0, HOUR], ids=["none of it", "a part", "all of it"])
def test_after_a_gap_the_time_stands_still_until_the_next_message(passed: float) -> None:
    one = clock()
    assert one.read(102.0) == START + 2.0
    assert one.read(102.0 + HOUR) == START + 2.0
    assert one.read(102.5 + HOUR) == START + 2.0
    assert one.wants_message(103.0 + HOUR)
    assert one.heard(START + 3.0 + passed, 103.0 + HOUR) == 0.0
    assert one.read(104.0 + HOUR) == START + 4.0 + passed


@pytest.mark.parametrize("off", [-STEP_SECONDS, -0.2, 0.2, STEP_SECONDS])
def test_a_small_difference_is_taken_at_once(off: float) -> None:
    one = clock()
    assert one.heard(START + 3.0 + off, 103.0) == 0.0
    assert one.read(103.0) == START + 3.0 + off


@pytest.mark.parametrize("off", [-HOUR, HOUR, 61.0, -61.0])
def test_a_large_difference_is_believed_when_it_is_confirmed(off: float) -> None:
    one = clock()
    assert one.heard(START + 3.0 + off, 103.0) == 0.0
    assert one.read(103.0) == START + 3.0
    assert not one.wants_message(103.0 + CONFIRM_SECONDS / 2)
    assert one.wants_message(103.0 + CONFIRM_SECONDS)
    assert one.heard(START + 4.0 + off, 104.0) == off
    assert one.read(105.0) == START + 5.0 + off
    assert not one.wants_message(105.0)


def test_a_single_odd_timestamp_changes_nothing() -> None:
    one = clock()
    assert one.heard(START + HOUR, 103.0) == 0.0
    assert one.heard(START + 4.0, 104.0) == 0.0
    assert one.heard(START - HOUR, 105.0) == 0.0
    assert one.heard(START + 2 * HOUR, 106.0) == 0.0
    assert one.read(107.0) == START + 7.0


class Alarms(Machine[float]):
    """A message `KEY SECONDS` sets an alarm; it rings when its deadline has passed."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, float]] = []

    def encode(self, state: float) -> bytes:
        return b"%.3f" % state

    def decode(self, value: bytes) -> float:
        return float(value)

    def apply(self, tx: Transaction[float], value: bytes) -> None:
        key, seconds = value.decode().split()
        tx.put(key, tx.now + float(seconds), due=tx.now + float(seconds))

    def due(self, tx: Transaction[float], key: str, state: float) -> None:
        if state > tx.now:
            tx.put(key, state, due=state)
            return
        tx.after(lambda: self.rung.append((key, tx.now)))
        tx.delete(key)

    def stepped(self, state: float, by: float) -> float:
        return state + by


class Bench:
    """A partition with its clock, and true time; the broker's and the worker's may be wrong."""

    def __init__(self) -> None:
        self.partition = MemoryPartition(Alarms())
        self.clock = PartitionClock()
        self.true = 0.0
        self.broker = START
        self.boot = 50.0
        self.offset = 0
        self.rung: dict[str, float] = {}

    def send(self, key: bytes | None, value: bytes) -> None:
        stamp = self.broker + self.true
        record = Record(value, self.offset, int(stamp * 1000), key)
        self.offset += 1
        now = None
        if key == TICK_KEY:
            by = self.clock.heard(stamp, self.boot + self.true)
            if by:
                self.partition.state.follow_step(by)
                self.partition.state.stepping.extend(
                    (name, by) for name in self.partition.table.rows
                )
        now = self.clock.read(self.boot + self.true)
        self.partition.fold([record], now=now)
        for name, _ in self.partition.machine.rung:  # type: ignore[attr-defined]
            self.rung.setdefault(name, self.true)

    def look(self) -> None:
        """Look at the rows as a new owner, and again as time passes."""
        now = self.clock.read(self.boot + self.true)
        assert now is not None
        self.partition.scan(self.offset, now)

    def passes(self, seconds: float, trouble: Callable[[Bench], None] | None = None) -> None:
        """True time passes; ticks are sent as an agent does."""
        end, half = self.true + seconds, self.true + seconds / 2
        while self.true < end:
            self.true += 0.25
            if trouble is not None and self.true >= half:
                trouble(self)
                trouble = None
            now = self.clock.read(self.boot + self.true)
            due = now is None or self.partition.state.earliest() <= now
            if due or self.clock.wants_message(self.boot + self.true):
                self.send(TICK_KEY, b"{}")


def leap(seconds: float) -> Callable[[Bench], None]:
    def trouble(bench: Bench) -> None:
        bench.broker += seconds

    return trouble


def nothing(bench: Bench) -> None:
    """No trouble."""


@pytest.mark.parametrize(
    "trouble",
    [nothing, leap(HOUR), leap(-HOUR), leap(20 * HOUR), leap(-20 * HOUR), leap(-61.0)],
    ids=["none", "an hour ahead", "an hour behind", "a day", "a day behind", "a minute"],
)
@pytest.mark.parametrize("length", [3.0, 20.0, 90.0, 900.0, 3.0 * HOUR])
def test_no_deadline_is_early_or_late_when_the_broker_leaps(
    trouble: Callable[[Bench], Any], length: float
) -> None:
    bench = Bench()
    bench.passes(1.0)
    bench.look()
    began = bench.true
    bench.send(None, f"a {length}".encode())
    bench.passes(length, trouble)
    bench.send(None, b"late 5")
    second = bench.true
    bench.passes(8.0)
    assert began + length <= bench.rung["a"] <= began + length + 1.0
    assert second + 5.0 <= bench.rung["late"] <= second + 6.0


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_a_deadline_of_another_owner_is_no_further_off_than_its_length(off: float) -> None:
    tx: Transaction[float] = MemoryPartition(Alarms()).transaction()
    tx.now = START
    assert tx.cut(START + 10.0 + off, 20.0) == min(START + 20.0, START + 10.0 + off)


def test_a_message_has_the_brokers_timestamp_beside_the_time_of_the_clock() -> None:
    seen: list[tuple[float, float]] = []

    class Looking(Alarms):
        def apply(self, tx: Transaction[float], value: bytes) -> None:
            seen.append((tx.now, tx.timestamp))

    partition = MemoryPartition(Looking())
    partition.fold([Record(b"a", 0, 5_000), Record(b"b", 1, 4_000)])
    partition.fold([Record(b"c", 2, 3_000)], now=9.0)
    assert seen == [(5.0, 5.0), (5.0, 4.0), (9.0, 3.0)]


def test_a_later_message_of_others_asks_for_one_of_ours_that_sets_the_clock() -> None:
    one = clock()
    one.saw(START - HOUR, 101.0)
    one.saw(START + STEP_SECONDS, 101.0)
    assert not one.wants_message(101.0 + CONFIRM_SECONDS), "one that waited, or is a little ahead"
    one.saw(START + HOUR, 102.0)
    assert one.is_overtaken
    assert one.wants_message(102.0)
    assert one.heard(START + HOUR + 2.0, 102.0) == 0.0
    assert one.wants_message(102.0 + CONFIRM_SECONDS)
    assert one.heard(START + HOUR + 3.0, 103.0) == pytest.approx(HOUR)
    assert not one.is_overtaken
    assert one.read(104.0) == START + HOUR + 4.0


def test_one_odd_message_of_others_leaves_the_clock() -> None:
    one = clock()
    one.saw(START + HOUR, 102.0)
    assert one.heard(START + 2.0, 102.0) == 0.0
    assert not one.is_overtaken
    assert one.read(104.0) == START + 4.0
