"""The overlay of one batch over one partition of a table, and the machine whose rules use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from ticketing.engine.guarded import (
    TOO_LARGE,
    Failure,
    SetAside,
    StoreFailed,
    guarded,
)
from ticketing.engine.row import (
    DUE_MAX,
    OWN_PREFIX,
    Send,
    pack,
    unpack_at,
    unpack_due,
    unpack_state,
)
from ticketing.errors import BadRecord

S = TypeVar("S")
T = TypeVar("T")


@dataclass
class _Write:
    at: int
    due: float | None
    state: Any


@dataclass(frozen=True, slots=True)
class _Sent:
    send: Send
    stored: bool
    about: str | None


class Store(ABC):
    """The source of a transaction: one partition of the table."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The stored value, packed."""

    @abstractmethod
    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every stored pair of the partition, without the engine's own rows."""

    @abstractmethod
    def to_look_at(self, until: float) -> Iterator[tuple[str, bytes]]:
        """The pairs due until a time, in order of time; then those that may be unfinished.

        Rows without a head that can be read are among these.
        """

    @abstractmethod
    def reflecting(self, offset: int) -> Iterator[str]:
        """The keys of the rows that reflect the message at an offset or a later one."""

    @abstractmethod
    def belonging(self, owner: str) -> Iterator[str]:
        """The keys of the rows that belong to the row of another key."""


@dataclass(frozen=True)
class Limits:
    """The sizes in bytes that Kafka has refused: of rows, and of the messages of a topic."""

    row: int | None = None
    topics: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Savepoint:
    writes: int
    sends: int
    callbacks: int
    refused: int


class Transaction(Generic[S]):
    """The overlay of one batch over one partition of the table, and the batch's effects."""

    def __init__(
        self, store: Store, machine: Machine[S], partition: int, *, checked: Limits | None = None
    ) -> None:
        """`checked`: encode and measure the changes of each attempt, which costs time."""
        self.partition = partition
        self.offset = -1
        self.now = 0.0
        """The present time by the partition's clock, in Unix seconds."""
        self.timestamp = 0.0
        """The broker's timestamp of the current message, in Unix seconds."""
        self.aside: dict[str, Failure] = {}
        """The keys whose rows turned out to be unreadable."""
        self.failing: dict[str, tuple[str, Failure]] = {}
        """The keys that a rule failed for: the rule's name, and the failure."""
        self._store = store
        self._machine = machine
        self._checked = checked
        self._stored: dict[str, S | None] = {}
        self._rows: dict[str, bytes | None] = {}
        self._writes: dict[str, _Write] = {}
        self._sends: list[_Sent] = []
        self._callbacks: list[Callable[[], None]] = []
        self._refused: list[tuple[bytes, Failure]] = []
        self._journal: list[tuple[str, _Write | None]] = []

    def get(self, key: str) -> S | None:
        """The state of a key, with the changes of this batch so far; raises SetAside."""
        write = self._writes.get(key)
        if write is not None:
            return write.state  # type: ignore[no-any-return]
        return self._load(key)

    def peek(self, key: str) -> S | None:
        """As `get`, for a state that can be done without: None for an unreadable row."""
        try:
            return self.get(key)
        except SetAside:
            return None

    def is_set_aside(self, key: str) -> bool:
        """True for a key whose row can't be read, and must not be written."""
        self.peek(key)
        return key in self.aside

    def put(self, key: str, state: S, *, due: float | None) -> None:
        """Set a key's state. `due`: when to call `Machine.due`."""
        if due is not None and not -DUE_MAX < due < DUE_MAX:
            raise ValueError(f"{due} is beyond any date")
        if not key or key.startswith(OWN_PREFIX.decode()):
            raise ValueError("the key is reserved")
        self._set(key, _Write(self.offset, due, state))

    def cut(self, at: float, length: float) -> float:
        """A deadline that is no further off than its own length, in seconds."""
        return min(at, self.now + length)

    def delete(self, key: str) -> None:
        """Remove a key from the table and the changelog."""
        self._set(key, _Write(self.offset, None, None))

    def send(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        partition: int | None = None,
        *,
        stored: bool = False,
        about: str | None = None,
    ) -> None:
        """Send a message once the batch is folded, after the table's writes.

        `about` is the key of the state that the message tells of, where its own key is another.

        A crash in between is made good by `Machine.recover`, from the rows. A message that no row
        can repeat, such as a tombstone, is `stored` with the batch, so it must be small.
        """
        send = (topic, key, value, partition)
        self._sends.append(_Sent(send, stored, key if about is None else about))

    def after(self, callback: Callable[[], None]) -> None:
        """Call once the table, its changelog and all sends of this batch are durable."""
        self._callbacks.append(callback)

    def due_of(self, key: str) -> float | None:
        """The due time of a key, with the changes of this batch so far."""
        write = self._writes.get(key)
        if write is not None:
            return write.due
        value = self._read(key)
        return None if value is None else unpack_due(value)

    def is_stored(self, key: str) -> bool:
        """True for a key that the table had before this batch."""
        return self._read(key) is not None

    def row(self, key: str) -> bytes | None:
        """The row of a key as stored before this batch."""
        return self._rows[key] if key in self._rows else self._read(key)

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Every pair of the partition as stored before this batch."""
        return _reading(self._store.items())

    def to_look_at(self, until: float) -> Iterator[tuple[str, bytes]]:
        """Those of them that `Store.to_look_at` finds."""
        return _reading(self._store.to_look_at(until))

    def reflecting(self, offset: int) -> Iterator[str]:
        """The keys of those that `Store.reflecting` finds."""
        return _reading(self._store.reflecting(offset))

    def belonging(self, owner: str) -> Iterator[str]:
        """The keys of the rows that belonged to the row of another key before this batch, and after
        them the keys that this batch has written: these may belong to it."""
        yield from _reading(self._store.belonging(owner))
        yield from list(self._writes)

    # Failures

    def begin(self, offset: int, now: float, timestamp: float | None = None) -> None:
        """Start a message; `timestamp` is the broker's, `now` without one."""
        self.offset = offset
        self.timestamp = now if timestamp is None else timestamp
        self.now = max(self.now, now)
        self._journal = []

    def attempt(self, rule: Callable[[], T]) -> T | Failure:
        """The outcome of a rule, or its failure, of which no change is left. May be nested."""
        point = self._savepoint()
        outcome = guarded(rule)
        if self._checked is not None and not isinstance(outcome, Failure):
            limits = self._checked
            checked = guarded(lambda: self._check(point, limits))
            if isinstance(checked, Failure):
                outcome = checked
        if isinstance(outcome, Failure):
            self._rollback(point)
        return outcome

    def trial(self, rule: Callable[[], T]) -> T | Failure:
        """As `attempt`, and of a success no change is left either."""
        point = self._savepoint()
        outcome = self.attempt(rule)
        self._rollback(point)
        return outcome

    def refuse(self, part: bytes, failure: Failure) -> None:
        """Make a part of the current message a dead letter alone; `part` is a whole message."""
        self._refused.append((part, failure))

    def take_refused(self) -> list[tuple[bytes, Failure]]:
        """The refused parts of the current message."""
        refused, self._refused = self._refused, []
        return refused

    def fails(self, key: str, rule: str, failure: Failure) -> None:
        """Report that a rule failed for a key: its row waits and is tried again later."""
        if key not in self.aside:
            self.failing[key] = rule, failure

    def set_aside(self, key: str, failure: Failure) -> None:
        """Report an unreadable row."""
        self.aside[key] = failure

    # The outcome

    def writes(self) -> list[tuple[str, _Write]]:
        """The pending writes."""
        return list(self._writes.items())

    def sends(self) -> list[Send]:
        """The pending messages; for a topic of `latest_only`, the last of each key."""
        return [sent.send for sent in self._latest()]

    def sends_about(self) -> Iterator[tuple[Send, str | None]]:
        """As `sends`, each with the key of the state that it tells of, if that is one."""
        return ((sent.send, sent.about) for sent in self._latest())

    def stored_sends(self) -> tuple[Send, ...]:
        """Those of the pending messages that are stored with the batch."""
        return tuple(sent.send for sent in self._latest() if sent.stored)

    def _latest(self) -> list[_Sent]:
        latest = {
            sent.send[:2]: index
            for index, sent in enumerate(self._sends)
            if sent.send[0] in self._machine.latest_only
        }
        return [
            sent
            for index, sent in enumerate(self._sends)
            if latest.get(sent.send[:2], index) == index
        ]

    def callbacks(self) -> list[Callable[[], None]]:
        """The calls to make once the batch is durable."""
        return self._callbacks

    def _savepoint(self) -> _Savepoint:
        return _Savepoint(
            len(self._journal), len(self._sends), len(self._callbacks), len(self._refused)
        )

    def _rollback(self, point: _Savepoint) -> None:
        for key, before in reversed(self._journal[point.writes :]):
            if before is None:
                del self._writes[key]
            else:
                self._writes[key] = before
        del self._journal[point.writes :]
        del self._sends[point.sends :]
        del self._callbacks[point.callbacks :]
        del self._refused[point.refused :]

    def _check(self, point: _Savepoint, limits: Limits) -> None:
        """Encode and measure what was changed since a point; raises whatever is wrong."""
        for key in {key for key, _ in self._journal[point.writes :]}:
            write = self._writes[key]
            if write.state is not None:
                row = pack(write.at, write.due, self._machine.encode(write.state))
                key.encode()
                _measure(f"the row {key[:80]}", len(row), limits.row)
        for sent in self._sends[point.sends :]:
            topic, name, value, _ = sent.send
            if name is not None:
                name.encode()
            _measure(f"a message for {topic}", len(value or b""), limits.topics.get(topic))

    def _set(self, key: str, write: _Write) -> None:
        self._journal.append((key, self._writes.get(key)))
        self._writes[key] = write

    def _read(self, key: str) -> bytes | None:
        try:
            # A key that is no text is in no table; a rule would fail for it later.
            return self._store.get(key)
        except UnicodeError:
            raise
        except Exception as error:
            raise StoreFailed(f"the table can't be read: {type(error).__name__}") from error

    def _load(self, key: str) -> S | None:
        if key in self._stored:
            return self._stored[key]
        if key in self.aside:
            raise SetAside(key, self.aside[key].detail)
        value = self._rows[key] = self._read(key)
        if value is None:
            self._stored[key] = None
            return None
        loaded = guarded(partial(self._decode, value))
        if isinstance(loaded, Failure):
            self.aside[key] = loaded
            raise SetAside(key, loaded.detail)
        self._stored[key] = loaded
        return loaded

    def _decode(self, value: bytes) -> S:
        unpack_at(value)  # A row without a head is as unreadable.
        return self._machine.decode(unpack_state(value))


def _reading(rows: Iterator[T]) -> Iterator[T]:
    try:
        yield from rows
    except Exception as error:
        raise StoreFailed(f"the table can't be read: {type(error).__name__}") from error


def _measure(what: str, size: int, refused: int | None) -> None:
    if refused is not None and size >= refused:
        raise BadRecord(TOO_LARGE, f"{what} has {size} bytes; Kafka has refused {refused}")


class Machine(ABC, Generic[S]):
    """The rules of one kind of state. Everything here is synchronous and does no I/O.

    A rule may raise anything: the message or the key that it is about is isolated.
    """

    latest_only: frozenset[str] = frozenset()
    """Topics to which a batch sends only the last message of each key."""

    @abstractmethod
    def encode(self, state: S) -> bytes:
        """The state as JSON."""

    @abstractmethod
    def decode(self, value: bytes) -> S:
        """The reverse of `encode`."""

    @abstractmethod
    def apply(self, tx: Transaction[S], value: bytes) -> None:
        """Fold one message; whatever is raised makes it a dead letter.

        A message of several parts attempts each, and refuses those that fail.
        """

    def erased(self, tx: Transaction[S], key: bytes | None) -> None:
        """Fold a message without a value: in a compacted topic, the end of a message's key."""
        raise BadRecord("empty", "the message has no value")

    @abstractmethod
    def due(self, tx: Transaction[S], key: str, state: S) -> None:
        """Handle a key that is due: put the key with a later due time, or delete the key."""

    def recover(self, tx: Transaction[S], key: str, state: S) -> None:
        """Publish a stored state again, which a process that is gone may not have published."""

    def stepped(self, state: S, by: float) -> S:
        """The state with its deadlines moved, as the partition's clock steps by so many seconds.

        The row's own due time moves by itself.
        """
        return state

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
