"""The keyed state machine: one input topic, one agent, one table; all durable before the ack.

The incidents' writer and the adapters are such machines. A batch of messages is folded over an
overlay of the table; every changed key is then written once, all of them and the batch's mark in one
piece; effects are sent, and the batch counts as handled when all of that is durable. After a crash
no message at or below the mark is folded again: the scan of the partition publishes again what may
be unpublished. Times are Unix seconds, taken from Kafka's timestamps.

A message, a row or a rule that fails costs itself alone: a message becomes a dead letter, a row
that can't be read is set aside, a key whose rule fails waits, ever longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ticketing.engine.due_times import HORIZON_SECONDS, DueTimes
from ticketing.engine.guarded import Failure, guarded
from ticketing.engine.row import (
    NOTHING_FOLDED,
    Mark,
    Send,
    pack,
    unpack_at,
    unpack_due,
    unpack_state,
)
from ticketing.engine.transaction import Limits, Machine, Store, Transaction

__all__ = [
    "TICK_KEY",
    "Dead",
    "Folded",
    "Limits",
    "Machine",
    "Mark",
    "PartitionState",
    "Send",
    "Store",
    "Transaction",
    "accept",
    "discard",
    "fold",
    "pack",
    "scan",
    "unpack_at",
    "unpack_due",
    "unpack_state",
]

S = TypeVar("S")

TICK_KEY = b"tick"
DUE_PER_TICK_MAX = 1_000
"""Keeps a tick well within the watchdog's limit; the keys left over are due at the next one."""
FAILING_SECONDS, FAILING_SECONDS_MAX = 60.0, HORIZON_SECONDS
"""The wait of a key after its rule failed, doubled each time: a fault of our own mostly repeats, and
then should not fill the log; an hour is as far as due times are held in memory."""
BATCH_KEY = ""
"""Stands for the whole batch where a rule of a key is reported."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that can't be handled, or the part of it in `value`, and the failure."""

    record: Any
    value: bytes | None
    failure: Failure


@dataclass
class Folded:
    """The outcome of a batch: its mark, dead letters, latest time, rows and rules that failed."""

    mark: Mark
    dead: list[Dead]
    now: float
    aside: dict[str, Failure] = field(default_factory=dict)
    failing: dict[str, tuple[str, Failure]] = field(default_factory=dict)
    due: list[str] = field(default_factory=list)
    """The keys taken from the timers."""


class PartitionState:
    """The state in memory of one owned partition: its clock, its timers, its unfinished keys."""

    def __init__(self, floor: int = 0, mark: Mark | None = None) -> None:
        """`floor` is added to the topic's offsets, so that those of a topic before it are lower."""
        self.now = 0.0
        self.floor = floor
        self.mark = mark or NOTHING_FOLDED
        """The mark of the last durable batch."""
        self.timers = DueTimes()
        self.unfinished: set[str] = set()
        """The keys of unfinished states."""
        self.aside: set[str] = set()
        """The keys whose rows can't be read."""
        self._failing: dict[str, tuple[int, float]] = {}

    @property
    def troubled(self) -> int:
        """The number of keys whose row can't be read or whose rule fails."""
        return len(self.aside) + len(self._failing)

    def note(self, key: str, unfinished: bool) -> None:
        """Add a key to the unfinished, or remove the key."""
        if unfinished:
            self.unfinished.add(key)
        else:
            self.unfinished.discard(key)

    def waits_until(self, key: str) -> float:
        """The time before which a failing key is not tried again; 0 for any other key."""
        return self._failing.get(key, (0, 0.0))[1]

    def postpone(self, key: str, now: float) -> None:
        """Let a key wait whose rule has failed, longer each time."""
        times = self._failing.get(key, (0, 0.0))[0]
        # The exponent is bounded, as a float is.
        wait = min(FAILING_SECONDS * 2.0 ** min(times, 10), FAILING_SECONDS_MAX)
        self._failing[key] = times + 1, now + wait
        self.timers.schedule(key, now + wait, now)

    def recovered(self, key: str) -> None:
        """Note that a key is no longer failing."""
        self._failing.pop(key, None)


def fold(
    machine: Machine[S],
    tx: Transaction[S],
    records: list[Any],
    partition: PartitionState,
    *,
    due_max: int = DUE_PER_TICK_MAX,
) -> Folded:
    """Fold a fetched run into the transaction: messages in order, then the keys that are due.

    Messages at or below the mark are passed by. Of several ticks only the last is applied, to at
    most `due_max` keys. `records` have aiokafka's shape. Nothing of it counts before `accept`.
    """
    dead: list[Dead] = []
    due: list[str] = []
    tx.now = partition.now
    tick_at: int | None = None
    through = max(partition.mark.folded, partition.floor + records[-1].offset)
    _whole(tx, "begin_batch", partial(machine.begin_batch, tx))
    for record in records:
        offset = partition.floor + record.offset
        if offset <= partition.mark.folded:
            continue
        if record.key == TICK_KEY:
            tick_at = offset
            tx.now = max(tx.now, record.timestamp / 1000.0)
            continue
        tx.begin(offset, record.timestamp / 1000.0)
        outcome = tx.attempt(partial(_apply, machine, tx, record))
        refused = tx.take_refused()
        if isinstance(outcome, Failure):
            dead.append(Dead(record, record.value, outcome))
        else:
            dead += [Dead(record, part, failure) for part, failure in refused]
    if tick_at is not None:
        tx.begin(tick_at, tx.now)
        if partition.timers.scan_at <= tx.now:
            for _ in _filling(tx, partition.timers):
                pass
        _apply_due(machine, tx, partition, due, due_max)
    tx.begin(through, tx.now)
    _whole(tx, "end_batch", partial(machine.end_batch, tx))
    mark = Mark(through, tx.stored_sends())
    return Folded(mark, dead, tx.now, tx.aside, tx.failing, due)


def accept(
    machine: Machine[S], tx: Transaction[S], folded: Folded, partition: PartitionState
) -> None:
    """Take note in memory of a batch that is durable."""
    for key, write in tx.writes():
        partition.timers.schedule(key, write.due, tx.now)
        partition.note(key, write.state is not None and _unfinished(machine, write.state, tx.now))
        if write.due is None or write.due > tx.now:
            partition.recovered(key)
    partition.aside.update(folded.aside)
    for key in folded.failing:
        if key != BATCH_KEY:
            partition.postpone(key, tx.now)
    partition.now = folded.now
    partition.mark = folded.mark


def discard(folded: Folded, partition: PartitionState) -> None:
    """Give back the timers of a batch that is to be folded again, in parts or checked."""
    for key in folded.due:
        partition.timers.schedule(key, folded.now, folded.now)


def _apply(machine: Machine[S], tx: Transaction[S], record: Any) -> None:
    if record.value is None:
        machine.erased(tx, record.key)
    else:
        machine.apply(tx, record.value)


def _whole(tx: Transaction[S], name: str, rule: Any) -> None:
    """Run a rule of the whole batch; its failure is reported and costs its own effects."""
    outcome = tx.attempt(rule)
    if isinstance(outcome, Failure):
        tx.fails(BATCH_KEY, name, outcome)


def _apply_due(
    machine: Machine[S],
    tx: Transaction[S],
    partition: PartitionState,
    due: list[str],
    due_max: int,
) -> None:
    while len(due) < due_max:
        key = partition.timers.pop(tx.now)
        if key is None:
            return
        due.append(key)
        outcome = tx.attempt(partial(_due, machine, tx, partition, key))
        if isinstance(outcome, Failure):
            tx.fails(key, "due", outcome)


def _due(machine: Machine[S], tx: Transaction[S], partition: PartitionState, key: str) -> None:
    state = tx.get(key)
    if state is None:
        partition.recovered(key)
        return
    due = tx.due_of(key)
    if due is None:
        return
    due = max(due, partition.waits_until(key))
    if due > tx.now:
        partition.timers.schedule(key, due, tx.now)
    else:
        machine.due(tx, key, state)


def scan(
    machine: Machine[S], tx: Transaction[S], partition: PartitionState, first: int, now: float
) -> Folded:
    """Scan a newly assigned partition: timers, unfinished keys, messages to send again.

    `first` is the offset of the first message not yet handled, `now` the time of that message. A
    state that reflects `first` or later was written by a process that may have died before
    publishing; so was a mark at `first` or later.
    """
    tx.now = now
    tx.offset = first = partition.floor + first
    partition.timers = DueTimes()
    partition.unfinished.clear()
    for key, value in _filling(tx, partition.timers):
        state = unpack_state(value)
        unfinished = guarded(partial(machine.stored_unfinished, state, unpack_due(value), now))
        partition.note(key, unfinished is True)
        unpublished = unpack_at(value) >= first
        if unpublished or machine.recovers_all:
            outcome = tx.attempt(partial(_recover, machine, tx, key, state, unpublished))
            if isinstance(outcome, Failure):
                tx.fails(key, "recover", outcome)
    if partition.mark.folded >= first:
        for send in partition.mark.sends:
            tx.send(*send)
    return Folded(partition.mark, [], now, tx.aside, tx.failing)


def mark_of_rows(store: Store) -> Mark:
    """The mark that the rows themselves tell, in the place of one that can't be read."""
    found = [guarded(partial(unpack_at, value)) for _, value in store.items()]
    return Mark(max((at for at in found if not isinstance(at, Failure)), default=-1))


def _recover(
    machine: Machine[S], tx: Transaction[S], key: str, value: bytes, unpublished: bool
) -> None:
    state = guarded(partial(machine.decode, value))
    if isinstance(state, Failure):
        tx.set_aside(key, state)
    else:
        machine.recover(tx, key, state, unpublished)


def _unfinished(machine: Machine[S], state: S, now: float) -> bool:
    """`Machine.unfinished`, False on an error: a metric must not stop the partition."""
    return guarded(partial(machine.unfinished, state, now)) is True


def _filling(tx: Transaction[S], timers: DueTimes) -> Iterator[tuple[str, bytes]]:
    """Every stored pair that has a head; schedules its due time on the way."""
    for key, value in tx.stored():
        head = guarded(partial(_head, value))
        if isinstance(head, Failure):
            tx.set_aside(key, head)
            continue
        timers.schedule(key, head, tx.now)
        yield key, value
    timers.scan_at = tx.now + HORIZON_SECONDS


def _head(value: bytes) -> float | None:
    """The due time of a row whose offset can be read as well."""
    unpack_at(value)
    return unpack_due(value)
