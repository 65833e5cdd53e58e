"""A message, row or rule that fails costs itself alone, on the real agent over a simulated broker."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from support import simulation
from support.simulation import Keyed, World

from ticketing import metrics
from ticketing.engine import keyed_agent, table
from ticketing.engine.boottime import boottime
from ticketing.engine.guarded import Failure, StoreFailed, guarded
from ticketing.engine.partition_clock import PartitionClock
from ticketing.engine.row import MARK_KEY, Mark, encode_mark
from ticketing.engine.statemachine import TICK_KEY, Machine, Transaction, pack
from ticketing.errors import BadRecord
from ticketing.wire.dead_letters import FAILED_ROW, UNREADABLE_ROW, DeadLetter, decode_dead_letter
from ticketing.wire.topics import DEAD_LETTERS

TOPIC = "toys"
CHANGELOG = "toys-changelog"


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


class Unsayable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ERRORS = [
    RecursionError("deep"),
    UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "cut"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "half"),
    msgspec.ValidationError("odd"),
    OverflowError("huge"),
    MemoryError(),
    AssertionError("\ud800"),
    BadRecord("odd", "\ud800"),
    RuntimeError("wrong"),
    StopIteration(),
    OSError("a rule does no I/O"),
    Unsayable(),
]


class Toys(Machine[list[str]]):
    """Appends words to lists; some words raise, now, when they are due or when they are encoded."""

    latest_only = frozenset({"published"})

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.due_calls: list[str] = []
        self.faults: set[str] = set()

    def encode(self, state: list[str]) -> bytes:
        if "unencodable" in state:
            raise self.error
        return msgspec.json.encode(state)

    def decode(self, value: bytes) -> list[str]:
        if b"undecodable" in value:
            raise self.error
        return msgspec.json.decode(value, type=list[str])

    def apply(self, tx: Transaction[list[str]], value: bytes) -> None:
        key, word = value.decode().split(":")
        tx.put(key, [*(tx.get(key) or []), word], due=tx.now if word == "due" else None)
        tx.send("published", key, word.encode())
        if word == "raise":
            raise self.error

    def due(self, tx: Transaction[list[str]], key: str, state: list[str]) -> None:
        self.due_calls.append(key)
        tx.put(key, [*state, "done"], due=None)
        if "due-raises" in state:
            raise self.error

    def recover(self, tx: Transaction[list[str]], key: str, state: list[str]) -> None:
        if "recover-raises" in state:
            raise self.error
        tx.send("published", key, b"again")

    def begin_batch(self, tx: Transaction[list[str]]) -> None:
        self._maybe("begin")

    def end_batch(self, tx: Transaction[list[str]]) -> None:
        self._maybe("end")

    def ready(self, partition: int) -> bool:
        self._maybe("ready")
        return False

    def unfinished(self, state: list[str], now: float) -> bool:
        self._maybe("unfinished")
        return True

    def report_unfinished(self, unfinished: int) -> None:
        self._maybe("report")

    def _maybe(self, what: str) -> None:
        if what in self.faults:
            raise self.error


class Room:
    """One agent with its world."""

    def __init__(self, error: Exception = ERRORS[0]) -> None:
        self.world = World()
        self.machine = Toys(error)
        self.restart()

    def restart(self) -> None:
        self.process = Keyed(self.world, TOPIC, "toys", self.machine)

    def store(self, key: str, *words: str, at: int = -1, due: float | None = None) -> None:
        """A row that another release wrote."""
        row = pack(at, due, msgspec.json.encode(list(words)))
        self.keep(key.encode(), row)
        self.process.agent.table.data.rows[MARK_KEY] = encode_mark(Mark(at))

    def keep(self, key: bytes, row: bytes) -> None:
        """A row on the disk of a release that has no index."""
        rows = self.process.agent.table.data.rows
        rows[key], rows[simulation.Disk.offset_key] = row, b"-1"

    async def send(self, *messages: str) -> None:
        for message in messages:
            self.world.append(TOPIC, None, message.encode())
        await self.turn()

    async def tick(self, seconds: float = 0.0) -> None:
        self.world.now += seconds
        self.world.append(TOPIC, TICK_KEY, b"{}")
        await self.turn()

    async def turn(self) -> None:
        batch = self.world.logs[TOPIC][self.process.position :]
        await self.process.handle(batch)
        self.process.position = batch[-1].offset + 1

    def rows(self) -> dict[str, list[str]]:
        return {
            key.decode(): msgspec.json.decode(value[66:-1])
            for key, value in self.process.agent.table.data.states().items()
        }

    def published(self) -> list[tuple[str, str]]:
        return [
            ((r.key or b"").decode(), (r.value or b"").decode())
            for r in self.world.logs.get("published", [])
        ]

    def letters(self) -> list[DeadLetter]:
        return [decode_dead_letter(r.value or b"") for r in self.world.logs.get(DEAD_LETTERS, [])]


@pytest.fixture(params=ERRORS, ids=lambda error: type(error).__name__)
def room(request: pytest.FixtureRequest) -> Room:
    return Room(request.param)


def test_interrupts_and_the_store_are_not_guarded() -> None:
    def raising(error: BaseException) -> Any:
        raise error

    assert isinstance(guarded(lambda: raising(ValueError("x"))), Failure)
    for error in (StoreFailed("disk"), KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(error)):
            guarded(lambda error=error: raising(error))


async def test_a_message_that_fails_harms_no_neighbour(room: Room) -> None:
    await room.send("a:one", "a:raise", "b:raise", "b:two", "a:three", "c:raise")
    assert room.rows() == {"a": ["one", "three"], "b": ["two"]}
    assert room.published() == [("b", "two"), ("a", "three")]
    assert [letter.value for letter in room.letters()] == [b"a:raise", b"b:raise", b"c:raise"]
    assert all(letter.whole and letter.topic == TOPIC for letter in room.letters())


async def test_a_state_that_cannot_be_encoded_is_not_kept_and_its_message_is_dead(
    room: Room,
) -> None:
    await room.send("a:one", "b:two", "a:unencodable", "a:three")
    assert room.rows() == {"a": ["one", "three"], "b": ["two"]}
    assert [letter.value for letter in room.letters()] == [b"a:unencodable"]
    assert room.published() == [("b", "two"), ("a", "three")]


async def test_a_row_that_cannot_be_read_stays_as_it_is_and_is_told_once(room: Room) -> None:
    room.store("a", "undecodable", due=room.world.now)
    stored = room.process.agent.table.data.rows[b"a"]
    await room.send("a:one", "b:two")
    await room.tick(1.0)
    await room.send("a:three", "b:four")
    assert room.process.agent.table.data.rows[b"a"] == stored
    assert room.rows()["b"] == ["two", "four"]
    about = [letter for letter in room.letters() if letter.reason == UNREADABLE_ROW]
    assert [(letter.topic, letter.key, letter.value) for letter in about] == [
        (CHANGELOG, "a", stored)
    ]
    assert about[0].of_row
    dead = [letter for letter in room.letters() if letter.reason == "row_set_aside"]
    assert [letter.value for letter in dead] == [b"a:one", b"a:three"]
    assert metrics.rows_set_aside.labels("toys")._value.get() == 1


@pytest.mark.parametrize("row", [b"", b"{}", b"\xff" * 80, b'{"at":x' + b" " * 60, b"\x00" * 200])
async def test_a_row_without_a_head_is_set_aside(row: bytes) -> None:
    room = Room()
    room.keep(b"a", row)
    room.keep(b"\xe9\xff", row)
    await room.tick()
    await room.send("b:one", "a:two")
    assert room.process.agent.table.data.rows[b"a"] == row
    assert [letter.reason for letter in room.letters()] == [
        UNREADABLE_ROW,
        UNREADABLE_ROW,
        "row_set_aside",
    ]


async def test_a_key_whose_rule_fails_waits_ever_longer_and_the_others_go_on(room: Room) -> None:
    await room.send("a:due-raises", "a:due", "b:due")
    for _ in range(3000):
        await room.tick(5.0)
    assert room.rows() == {"a": ["due-raises", "due"], "b": ["due", "done"]}
    # At 0, 1, 3, 7, 15, 31, 63 and 123 minutes, and at 183 and 243.
    assert room.machine.due_calls.count("a") == 10
    assert [letter.reason for letter in room.letters()] == [FAILED_ROW]
    room.machine.decode = lambda value: []  # type: ignore[method-assign]
    await room.tick(4000.0)
    assert room.rows()["a"] == ["done"]
    assert room.process.agent._partitions[0].troubled == 0


async def test_a_row_that_cannot_be_taken_up_does_not_keep_the_others_from_it(room: Room) -> None:
    room.store("a", "recover-raises", at=0)
    room.store("b", "undecodable", at=0)
    room.store("c", "fine", at=0)
    await room.tick()
    assert room.published() == [("c", "again")]
    assert sorted(letter.reason for letter in room.letters()) == [FAILED_ROW, UNREADABLE_ROW]


@pytest.mark.parametrize("fault", ["begin", "end", "ready", "unfinished", "report"])
async def test_what_surrounds_the_messages_costs_none_of_them(room: Room, fault: str) -> None:
    room.machine.faults = {fault}
    await room.send("a:one", "b:two")
    await room.tick(1.0)
    assert room.rows() == {"a": ["one"], "b": ["two"]}
    assert room.letters() == []
    clock = room.process.agent._clocks[0] = PartitionClock()
    clock.heard(room.world.now, boottime())
    assert not room.process.agent._wants_tick(0)


async def test_a_callback_that_fails_does_not_repeat_what_is_durable(room: Room) -> None:
    def raising() -> None:
        raise room.machine.error

    room.machine.end_batch = lambda tx: tx.after(raising)  # type: ignore[method-assign]
    await room.send("a:one")
    assert room.rows() == {"a": ["one"]}


@pytest.mark.parametrize("topic", [CHANGELOG, "published"])
async def test_a_change_that_kafka_finds_too_large_makes_its_message_dead(topic: str) -> None:
    room = Room()
    await room.send("a:one", "b:two")
    room.world.limits[topic] = 150
    large = "x" * 200
    await room.send("a:three", f"a:{large}", "b:four", "c:five")
    assert room.rows() == {"a": ["one", "three"], "b": ["two", "four"], "c": ["five"]}
    assert [(one.reason, one.value) for one in room.letters()] == [
        ("too_large", f"a:{large}".encode())
    ]
    assert ("b", "four") in room.published()
    room.restart()
    assert room.rows() == {"a": ["one", "three"], "b": ["two", "four"], "c": ["five"]}
    await room.send("b:six", f"b:{large}")
    assert room.rows()["b"] == ["two", "four", "six"]


async def test_a_limit_that_is_raised_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.world.limits[CHANGELOG] = 150
    large = "x" * 200
    await room.send(f"a:{large}")
    del room.world.limits[CHANGELOG]
    later = time.monotonic() + keyed_agent.LIMITS_SECONDS
    monkeypatch.setattr(keyed_agent.time, "monotonic", lambda: later)
    await room.send(f"b:{large}")
    assert room.rows() == {"b": [large]}
    assert len(room.letters()) == 1


async def test_a_rule_whose_change_is_too_large_waits() -> None:
    room = Room()
    await room.send("a:one", "a:due")
    room.world.limits[CHANGELOG] = len(pack(0, None, b'["one","due"]')) + 1
    await room.tick()
    await room.tick(1.0)
    assert room.rows() == {"a": ["one", "due"]}
    assert [letter.reason for letter in room.letters()] == [FAILED_ROW]
    assert len(room.machine.due_calls) < 6


async def test_a_failing_disk_is_no_fault_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()

    def broken(self: Any, key: bytes) -> bytes:
        raise Exception("IO error")

    monkeypatch.setattr(simulation.Disk, "get", broken)
    with pytest.raises(StoreFailed):
        await room.send("a:one")


async def test_dead_letters_are_cut_to_what_kafka_takes() -> None:
    room = Room()
    room.world.limits[DEAD_LETTERS] = 5_000
    noise = bytes(range(256)).hex() * 40
    await room.send(f"a:{noise}:", "b:one", "a:raise")
    first, second = sorted(room.letters(), key=lambda letter: letter.offset)
    assert first.size == len(f"a:{noise}:")
    assert f"a:{noise}:".encode().startswith(first.value or b"?")
    assert second.value == b"a:raise"
    assert room.rows() == {"b": ["one"]}
