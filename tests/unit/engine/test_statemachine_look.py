"""Rows are looked at in slices: messages are handled in between, and nothing that is due is missed."""

from __future__ import annotations

from typing import Any

import pytest
from support import simulation
from support.partition import MemoryPartition, MemoryTable
from support.records import Record
from support.simulation import Keyed, World

from ticketing.engine import keyed_agent, table
from ticketing.engine.due_times import HORIZON_SECONDS
from ticketing.engine.statemachine import (
    TICK_KEY,
    Machine,
    Transaction,
    begin_look,
    look,
    unpack_due,
)

TOPIC, NOW = "alarms", simulation.START
ROWS = 500


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


class Alarms(Machine[float]):
    """A message `KEY SECONDS` sets an alarm that rings once; a zero deletes the key."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.decoded = 0

    def encode(self, state: float) -> bytes:
        return b"%.3f" % state

    def decode(self, value: bytes) -> float:
        self.decoded += 1
        return float(value)

    def apply(self, tx: Transaction[float], value: bytes) -> None:
        key, seconds = value.decode().split()
        if float(seconds) == 0.0:
            tx.delete(key)
            return
        at = tx.now + float(seconds)
        tx.put(key, at, due=at)

    def due(self, tx: Transaction[float], key: str, state: float) -> None:
        self.rung.append(key)
        tx.put(key, state, due=None)

    def unfinished(self, state: float, now: float) -> bool:
        return True

    def recover(self, tx: Transaction[float], key: str, state: float) -> None:
        tx.send("again", key, b"1")


def stored(partition: MemoryPartition, seconds: float = 10.0) -> None:
    """Rows of an owner before, due one after the other within so many seconds."""
    messages = [b"key-%03d %f" % (n, 1.0 + n * seconds / ROWS) for n in range(ROWS)]
    records = [Record(message, n) for n, message in enumerate(messages)]
    partition.fold(records, now=NOW)
    partition.restart()


def tick(partition: MemoryPartition, offset: int, now: float) -> None:
    partition.fold([Record(b"", offset, 0, TICK_KEY)], now=now)


def test_what_a_message_changes_between_two_slices_counts() -> None:
    partition = MemoryPartition(Alarms())
    stored(partition)
    state = partition.state
    begin_look(state, partition.transaction(), NOW)
    steps = look(partition.machine, state, NOW)
    for _ in range(ROWS // 2):
        next(steps)
    partition.fold([Record(b"key-400 7000", ROWS), Record(b"key-401 0", ROWS + 1)], now=NOW)
    partition.fold([Record(b"new 5", ROWS + 2)], now=NOW)
    assert sum(1 for _ in steps) == ROWS // 2
    assert state.looking is None
    tick(partition, ROWS + 3, NOW + 20.0)
    machine: Any = partition.machine
    expected = {f"key-{n:03d}" for n in range(ROWS)} - {"key-400", "key-401"} | {"new"}
    assert set(machine.rung) == expected
    assert state.unfinished == expected | {"key-400"}


def test_the_next_look_begins_before_what_it_finds_is_due() -> None:
    partition = MemoryPartition(Alarms())
    stored(partition, seconds=2.0 * HORIZON_SECONDS)
    partition.scan(ROWS, NOW)
    offset, now = ROWS, NOW
    machine: Any = partition.machine
    late = []
    while len(machine.rung) < ROWS:
        now += 1.0
        tick(partition, offset, now)
        offset += 1
        late += [now for _ in range(len(machine.rung) - len(late))]
    for number, at in enumerate(late):
        assert at - NOW - (1.0 + number * 2.0 * HORIZON_SECONDS / ROWS) <= 1.0


def test_without_a_batch_that_may_be_unpublished_no_row_is_read_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    partition = MemoryPartition(Alarms())
    stored(partition)
    again = [send[1] for send in partition.scan(ROWS - 2, NOW)]
    assert again == ["key-498", "key-499"]

    def unwanted(self: MemoryTable, offset: int) -> Any:
        raise AssertionError("rows were read")

    monkeypatch.setattr(MemoryTable, "reflecting", unwanted)
    assert partition.scan(ROWS, NOW) == []


async def test_a_message_waits_for_a_slice_and_not_for_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The agent's first batch is handled after one slice; the rest follows between the ticks."""
    monkeypatch.setattr(keyed_agent, "SLICE_SECONDS", -1.0)
    world = World()
    first = Keyed(world, TOPIC, "alarms", Alarms())
    for number in range(20):
        world.append(TOPIC, None, b"key-%02d 10" % number)
    await first.handle(world.logs[TOPIC])
    process = Keyed(world, TOPIC, "alarms", Alarms())
    world.append(TOPIC, None, b"new 5")
    await process.handle(world.logs[TOPIC][20:])
    state = process.agent._partitions[0]
    assert state.looking is not None
    assert len(state.timers) == 2, "one of the first slice, and the new one"
    await process.agent._look_on()
    assert state.looking is None
    assert len(state.timers) == 21


async def test_keys_whose_rows_do_not_fit_together_are_due_again_at_once() -> None:
    world = World()
    process = Keyed(world, TOPIC, "alarms", Alarms())
    for number in range(40):
        world.append(TOPIC, None, b"key-%02d 10" % number)
    await process.handle(world.logs[TOPIC])
    world.limits["alarms-changelog"] = 800
    world.now += 20.0
    machine: Any = process.machine
    for _ in range(20):
        world.append(TOPIC, TICK_KEY, b"{}")
        await process.handle(world.logs[TOPIC][-1:])
    rows = [process.agent.table.data.get(b"key-%02d" % number) or b"" for number in range(40)]
    assert all(unpack_due(row) is None for row in rows)
    assert len(machine.rung) >= 40
    assert process.agent._partitions[0].earliest() > world.now
