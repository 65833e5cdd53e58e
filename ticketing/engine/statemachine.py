"""The keyed state machine: one input topic, one agent, one table; all durable before the ack.

The incidents' writer and the adapters are such machines. A batch of messages is folded over an
overlay of the table; every changed key is then written once, effects are sent, and the batch counts
as handled when all of that is durable. A batch that a crash interrupts is repeated: a stored state
has the offset of the last message it reflects, so that a replayed message changes nothing and is
published again. Times are Unix seconds, taken from Kafka's timestamps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from ticketing.engine.due_times import HORIZON_SECONDS, DueTimes
from ticketing.errors import BadRecord

S = TypeVar("S")

TICK_KEY = b"tick"
DUE_PER_TICK_MAX = 1_000
"""Keeps a tick well within the watchdog's limit; the keys left over are due at the next one."""
OWN_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors in the code for one state, which must not stop the states beside it."""

# Positions in a packed value; `pack` has the format.
_AT = slice(6, 26)
_DUE = slice(33, 57)
_STATE_START = 66


def pack(at: int, due: float | None, state: bytes) -> bytes:
    """A stored value: readable as JSON, with a head of fixed width for scans."""
    when = "null" if due is None else f"{due:.3f}"
    return b'{"at":%20d,"due":%24b,"state":%b}' % (at, when.encode(), state)


def unpack_at(value: bytes) -> int:
    """The offset of the last message that the stored state reflects."""
    return int(value[_AT])


def unpack_due(value: bytes) -> float | None:
    """The due time of the stored state; None without one."""
    text = value[_DUE].strip()
    return None if text == b"null" else float(text)


def unpack_state(value: bytes) -> bytes:
    """The encoded state itself."""
    return value[_STATE_START:-1]


@dataclass
class _Write:
    at: int
    due: float | None
    order: int
    state: Any


class Store(ABC):
    """The source of a transaction: one partition of the table."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The stored value, packed."""

    @abstractmethod
    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every stored pair of the partition."""


Send = tuple[str, str | None, bytes | None, int | None]


class Transaction(Generic[S]):
    """The overlay of one batch over one partition of the table, and the batch's effects."""

    def __init__(self, store: Store, machine: Machine[S], partition: int) -> None:
        self.partition = partition
        self.offset = -1
        self.now = 0.0
        self._store = store
        self._machine = machine
        self._stored: dict[str, tuple[int, S] | None] = {}
        self._writes: dict[str, _Write] = {}
        self._sends: list[Send] = []
        self._callbacks: list[Callable[[], None]] = []
        self._journal: list[tuple[str, _Write | None]] | None = None
        self._marks = (0, 0)

    def get(self, key: str) -> S | None:
        """The state of a key, with the changes of this batch so far."""
        write = self._writes.get(key)
        if write is not None:
            return write.state  # type: ignore[no-any-return]
        stored = self._load(key)
        return None if stored is None else stored[1]

    def replayed(self, key: str) -> bool:
        """True when the stored state already reflects the current message."""
        stored = self._load(key)
        return stored is not None and stored[0] >= self.offset

    def put(self, key: str, state: S, *, due: float | None, order: int = 0) -> None:
        """Set a key's state. `due`: when to call `Machine.due`; lower `order` is written first."""
        # A replayed message must not lower the offset: the later messages stay reflected.
        self._set(key, _Write(max(self.offset, self._at(key)), due, order, state))

    def delete(self, key: str) -> None:
        """Remove a key from the table and the changelog."""
        self._set(key, _Write(self.offset, None, 0, None))

    def send(
        self, topic: str, key: str | None, value: bytes | None, partition: int | None = None
    ) -> None:
        """Send a message once the batch is folded, after the table's writes."""
        self._sends.append((topic, key, value, partition))

    def after(self, callback: Callable[[], None]) -> None:
        """Call once the table, its changelog and all sends of this batch are durable."""
        self._callbacks.append(callback)

    def due_of(self, key: str) -> float | None:
        """The due time of a key, with the changes of this batch so far."""
        write = self._writes.get(key)
        if write is not None:
            return write.due
        value = self._store.get(key)
        return None if value is None else unpack_due(value)

    def is_stored(self, key: str) -> bool:
        """True for a key that the table had before this batch."""
        return self._store.get(key) is not None

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Every pair of the partition as stored before this batch."""
        return self._store.items()

    def begin(self, offset: int, now: float) -> None:
        """Start a message: `rollback` returns to this point."""
        self.offset = offset
        self.now = max(self.now, now)
        self._journal = []
        self._marks = (len(self._sends), len(self._callbacks))

    def rollback(self) -> None:
        """Undo the changes of the current message."""
        for key, before in reversed(self._journal or []):
            if before is None:
                del self._writes[key]
            else:
                self._writes[key] = before
        del self._sends[self._marks[0] :]
        del self._callbacks[self._marks[1] :]

    def writes(self) -> list[tuple[str, _Write]]:
        """The pending writes, in order."""
        return sorted(self._writes.items(), key=lambda item: item[1].order)

    def sends(self) -> list[Send]:
        """The pending messages; for a topic of `latest_only`, the last of each key."""
        latest = {
            (topic, key): index
            for index, (topic, key, _, _) in enumerate(self._sends)
            if topic in self._machine.latest_only
        }
        return [
            send
            for index, send in enumerate(self._sends)
            if latest.get((send[0], send[1]), index) == index
        ]

    def callbacks(self) -> list[Callable[[], None]]:
        """The calls to make once the batch is durable."""
        return self._callbacks

    def _set(self, key: str, write: _Write) -> None:
        if self._journal is not None:
            self._journal.append((key, self._writes.get(key)))
        self._writes[key] = write

    def _at(self, key: str) -> int:
        write = self._writes.get(key)
        if write is not None:
            return write.at
        stored = self._load(key)
        return -1 if stored is None else stored[0]

    def _load(self, key: str) -> tuple[int, S] | None:
        if key in self._stored:
            return self._stored[key]
        value = self._store.get(key)
        loaded = (
            None if value is None else (unpack_at(value), self._machine.decode(unpack_state(value)))
        )
        self._stored[key] = loaded
        return loaded


class Machine(ABC, Generic[S]):
    """The rules of one kind of state. Everything here is synchronous and does no I/O."""

    latest_only: frozenset[str] = frozenset()
    """Topics to which a batch sends only the last message of each key."""
    recovers_all = False
    """True to call `recover` for every stored state, False for those that may be unpublished."""

    @abstractmethod
    def encode(self, state: S) -> bytes:
        """The state as JSON."""

    @abstractmethod
    def decode(self, value: bytes) -> S:
        """The reverse of `encode`."""

    @abstractmethod
    def apply(self, tx: Transaction[S], value: bytes) -> None:
        """Fold one message; raise BadRecord to make it a dead letter."""

    @abstractmethod
    def due(self, tx: Transaction[S], key: str, state: S) -> None:
        """Handle a key that is due: put the key with a later due time, or delete the key."""

    def recover(self, tx: Transaction[S], key: str, state: S, unpublished: bool) -> None:
        """Take up a stored key of a newly assigned partition; `unpublished`: publish it again.

        Called for every key with `recovers_all`, else for those that may be unpublished.
        """

    def ready(self, partition: int) -> bool:
        """True when a tick is needed although no key is due. Called often, so must be cheap."""
        return False

    def unfinished(self, state: S, now: float) -> bool:
        """True while the state counts for `report_unfinished`."""
        return False

    def stored_unfinished(self, value: bytes, due: float | None, now: float) -> bool:
        """As `unfinished`, for a stored state when its partition is assigned.

        Called for every stored key: better answered without decoding the whole state.
        """
        return self.unfinished(self.decode(value), now)

    def report_unfinished(self, unfinished: int) -> None:
        """Take note of the number of unfinished states in all partitions of this process.

        Called after a batch is durable, and after partitions were revoked.
        """

    def begin_batch(self, tx: Transaction[S]) -> None:
        """Called before the first message of a batch."""

    def end_batch(self, tx: Transaction[S]) -> None:
        """Called after the last message of a batch and the due times."""


@dataclass
class Folded:
    """The outcome of a batch: dead letters as (record, reason, detail), and the latest time."""

    dead: list[tuple[Any, str, str]]
    now: float


class PartitionState:
    """The state in memory of one owned partition: its clock, its timers, its unfinished keys."""

    def __init__(self, floor: int = 0) -> None:
        """`floor` is added to the topic's offsets, so that those of a topic before it are lower."""
        self.now = 0.0
        self.floor = floor
        self.highest_at = -1
        """The highest offset, with its floor, that a stored state reflected at the assignment."""
        self.timers = DueTimes()
        self.unfinished: set[str] = set()
        """The keys of unfinished states."""

    def note(self, key: str, unfinished: bool) -> None:
        """Add a key to the unfinished, or remove the key."""
        if unfinished:
            self.unfinished.add(key)
        else:
            self.unfinished.discard(key)


def fold(
    machine: Machine[S],
    tx: Transaction[S],
    records: list[Any],
    partition: PartitionState,
) -> Folded:
    """Fold a fetched run into the transaction: messages in order, then the keys that are due.

    Of several ticks only the last is applied. `records` have aiokafka's shape.
    """
    dead: list[tuple[Any, str, str]] = []
    tx.now = partition.now
    tick_at: int | None = None
    machine.begin_batch(tx)
    for record in records:
        if record.key == TICK_KEY:
            tick_at = partition.floor + record.offset
            tx.now = max(tx.now, record.timestamp / 1000.0)
            continue
        tx.begin(partition.floor + record.offset, record.timestamp / 1000.0)
        try:
            if record.value is None:
                raise BadRecord("empty", "the message has no value")
            machine.apply(tx, record.value)
        except BadRecord as error:
            tx.rollback()
            dead.append((record, error.reason, error.detail))
        except msgspec.MsgspecError as error:
            tx.rollback()
            dead.append((record, "undecodable", str(error)))
        except OWN_FAULTS as error:
            tx.rollback()
            dead.append((record, "failed", f"{type(error).__name__}: {error}"))
    if tick_at is not None:
        tx.begin(tick_at, tx.now)
        if partition.timers.scan_at <= tx.now:
            for _ in _filling(tx, partition.timers):
                pass
        _apply_due(machine, tx, partition.timers)
    tx.offset = partition.floor + records[-1].offset
    machine.end_batch(tx)
    for key, write in tx.writes():
        partition.timers.schedule(key, write.due, tx.now)
        partition.note(key, write.state is not None and _unfinished(machine, write.state, tx.now))
    partition.now = tx.now
    return Folded(dead, tx.now)


def _apply_due(machine: Machine[S], tx: Transaction[S], timers: DueTimes) -> None:
    for _ in range(DUE_PER_TICK_MAX):
        key = timers.pop(tx.now)
        if key is None:
            return
        state = tx.get(key)
        if state is None:
            continue
        due = tx.due_of(key)
        if due is not None and due > tx.now:
            timers.schedule(key, due, tx.now)
        elif due is not None:
            machine.due(tx, key, state)


def scan(
    machine: Machine[S], tx: Transaction[S], partition: PartitionState, first: int, now: float
) -> None:
    """Scan a newly assigned partition: timers, unfinished keys, states to publish again.

    `first` is the offset of the first message not yet handled, `now` the time of that message. A
    state that reflects `first` or later was written by a process that may have died before
    publishing.
    """
    tx.now = now
    tx.offset = first = partition.floor + first
    partition.timers = DueTimes()
    partition.unfinished.clear()
    for key, value in _filling(tx, partition.timers):
        state = unpack_state(value)
        partition.note(key, _stored_unfinished(machine, state, unpack_due(value), now))
        at = unpack_at(value)
        partition.highest_at = max(partition.highest_at, at)
        unpublished = at >= first
        if unpublished or machine.recovers_all:
            machine.recover(tx, key, machine.decode(state), unpublished)


def _unfinished(machine: Machine[S], state: S, now: float) -> bool:
    """`Machine.unfinished`, False on an error: a metric must not stop the partition."""
    try:
        return machine.unfinished(state, now)
    except OWN_FAULTS:
        return False


def _stored_unfinished(machine: Machine[S], value: bytes, due: float | None, now: float) -> bool:
    try:
        return machine.stored_unfinished(value, due, now)
    except (msgspec.MsgspecError, *OWN_FAULTS):
        return False


def _filling(tx: Transaction[S], timers: DueTimes) -> Iterator[tuple[str, bytes]]:
    """Every stored pair; schedules its due time on the way."""
    for key, value in tx.stored():
        timers.schedule(key, unpack_due(value), tx.now)
        yield key, value
    timers.scan_at = tx.now + HORIZON_SECONDS
