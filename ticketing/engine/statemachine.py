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

import math
from collections import deque
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
    stepped: list[tuple[str, float]] = field(default_factory=list)
    """The keys whose deadlines were moved, each with the step of the clock."""


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
        self.stepping: deque[tuple[str, float]] = deque()
        """The keys whose deadlines a step of the clock, in seconds, is still to move."""
        self.looking: Iterator[tuple[str, bytes]] | None = None
        """The rest of the rows that are still to be looked at for timers."""
        self.looked_at = 0.0
        """The time at which the look at them began."""
        self.found: dict[str, Failure] = {}
        """The rows among these that can't be read, until a batch reports them."""
        self._touched: set[str] = set()
        """The keys that were written while the rows are looked at."""

    @property
    def troubled(self) -> int:
        """The number of keys whose row can't be read or whose rule fails."""
        return len(self.aside) + len(self._failing)

    def note(self, key: str, unfinished: bool) -> None:
        """Add a key to the unfinished, or remove the key."""
        if self.looking is not None:
            self._touched.add(key)
        if unfinished:
            self.unfinished.add(key)
        else:
            self.unfinished.discard(key)

    def earliest(self) -> float:
        """The earliest time at which a tick has something to do."""
        return -math.inf if self.stepping else self.timers.earliest()

    def follow_step(self, by: float) -> None:
        """Let the next look, and keys that wait after a failure, go along with a step of the clock.

        The deadlines of rows are moved by `stepping`.
        """
        self.timers.scan_at += by
        self.looked_at += by
        self._failing = {key: (n, at + by) for key, (n, at) in self._failing.items()}

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
    now: float | None = None,
    sliced: bool = False,
) -> Folded:
    """Fold a fetched run into the transaction: messages in order, then the keys that are due.

    Messages at or below the mark are passed by. Of several ticks only the last is applied, to at
    most `due_max` keys. `records` have aiokafka's shape. `now` is the time by the partition's clock;
    before that has started, the latest timestamp so far. `sliced`: the caller looks at rows piece by
    piece. Nothing of it counts before `accept`.
    """
    dead: list[Dead] = []
    due: list[str] = []
    stepped: list[tuple[str, float]] = []
    tx.now = partition.now if now is None else now
    for key, failure in partition.found.items():
        tx.set_aside(key, failure)
    tick_at: int | None = None
    through = max(partition.mark.folded, partition.floor + records[-1].offset)
    _whole(tx, "begin_batch", partial(machine.begin_batch, tx))
    for record in records:
        offset = partition.floor + record.offset
        if offset <= partition.mark.folded:
            continue
        if record.key == TICK_KEY:
            tick_at = offset
            tx.now = max(tx.now, record.timestamp / 1000.0) if now is None else now
            continue
        stamp = record.timestamp / 1000.0
        tx.begin(offset, stamp if now is None else now, stamp)
        outcome = tx.attempt(partial(_apply, machine, tx, record))
        refused = tx.take_refused()
        if isinstance(outcome, Failure):
            dead.append(Dead(record, record.value, outcome))
        else:
            dead += [Dead(record, part, failure) for part, failure in refused]
    if tick_at is not None:
        tx.begin(tick_at, tx.now)
        if partition.timers.scan_at <= tx.now:
            begin_look(partition, tx, tx.now)
            if not sliced:
                finish_look(machine, tx, partition)
        while partition.stepping and len(stepped) < due_max:
            stepped.append(partition.stepping.popleft())
            _step(machine, tx, *stepped[-1])
        if not partition.stepping:
            _apply_due(machine, tx, partition, due, due_max - len(stepped))
    tx.begin(through, tx.now)
    _whole(tx, "end_batch", partial(machine.end_batch, tx))
    mark = Mark(through, tx.stored_sends())
    return Folded(mark, dead, tx.now, tx.aside, tx.failing, due, stepped)


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
    partition.found.clear()
    for key in folded.failing:
        if key != BATCH_KEY:
            partition.postpone(key, tx.now)
    partition.now = folded.now
    partition.mark = folded.mark


def discard(folded: Folded, partition: PartitionState) -> None:
    """Give back the timers of a batch that is to be folded again, in parts or checked."""
    for key in folded.due:
        partition.timers.schedule(key, folded.now, folded.now)
    partition.stepping.extendleft(reversed(folded.stepped))


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


def _step(machine: Machine[S], tx: Transaction[S], key: str, by: float) -> None:
    """Move the deadlines of a key by a step of the clock."""

    def moved() -> None:
        state, due = tx.get(key), tx.due_of(key)
        if state is not None and due is not None:
            tx.put(key, machine.stepped(state, by), due=due + by)

    outcome = tx.attempt(moved)
    if isinstance(outcome, Failure):
        tx.fails(key, "stepped", outcome)


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
    """Take up a newly assigned partition in one piece: messages to send again, then its timers.

    `first` is the offset of the first message not yet handled, `now` the present time.
    """
    folded = recover(machine, tx, partition, first=first, now=now)
    partition.timers = DueTimes()
    partition.unfinished.clear()
    begin_look(partition, tx, now)
    finish_look(machine, tx, partition)
    return folded


def recover(
    machine: Machine[S],
    tx: Transaction[S],
    partition: PartitionState,
    *,
    first: int,
    now: float,
) -> Folded:
    """Send again what a process before may not have sent: of rows, and of the mark.

    A row that reflects the message at `first` or a later one was written by a process that may have
    died before publishing. Without such a mark there is no such row.
    """
    tx.now = now
    tx.offset = first = partition.floor + first
    if partition.mark.folded >= first:
        for key in tx.reflecting(first):
            outcome = tx.attempt(partial(_recover, machine, tx, key))
            if isinstance(outcome, Failure) and key not in tx.aside:
                tx.fails(key, "recover", outcome)
        for send in partition.mark.sends:
            tx.send(*send)
    return Folded(partition.mark, [], now, tx.aside, tx.failing)


def begin_look(partition: PartitionState, tx: Transaction[S], now: float) -> None:
    """Begin to look at rows for timers and unfinished keys, as `look` does piece by piece."""
    partition.looking = tx.to_look_at(now + HORIZON_SECONDS)
    partition.looked_at = now
    partition.timers.scan_at = math.inf
    partition._touched.clear()


def finish_look(machine: Machine[S], tx: Transaction[S], partition: PartitionState) -> None:
    """Look at all that is left in one piece."""
    for _ in look(machine, partition, tx.now):
        pass
    for key, failure in partition.found.items():
        tx.set_aside(key, failure)


def look(machine: Machine[S], partition: PartitionState, now: float) -> Iterator[None]:
    """Look at the rows, one a step; messages may be handled between two steps."""
    rows, timers = partition.looking, partition.timers
    if rows is None:
        return
    for key, value in rows:
        due = guarded(partial(_head, value))
        if isinstance(due, Failure):
            partition.found[key] = due
            partition.aside.add(key)
        elif key not in partition._touched:
            timers.schedule(key, due, now)
            stored = partial(machine.stored_unfinished, unpack_state(value), due, now)
            if guarded(stored) is True:
                partition.unfinished.add(key)
        yield
    # Before the horizon: a look takes its time, and what is due meanwhile is known already.
    timers.scan_at = partition.looked_at + HORIZON_SECONDS / 2
    partition.looking = None
    partition._touched.clear()


def mark_of_rows(store: Store) -> Mark:
    """The mark that the rows themselves tell, in the place of one that can't be read."""
    found = [guarded(partial(unpack_at, value)) for _, value in store.items()]
    return Mark(max((at for at in found if not isinstance(at, Failure)), default=-1))


def _recover(machine: Machine[S], tx: Transaction[S], key: str) -> None:
    row = tx.row(key)
    if row is None:
        return
    state = guarded(partial(machine.decode, unpack_state(row)))
    if isinstance(state, Failure):
        tx.set_aside(key, state)
    else:
        machine.recover(tx, key, state)


def _unfinished(machine: Machine[S], state: S, now: float) -> bool:
    """`Machine.unfinished`, False on an error: a metric must not stop the partition."""
    return guarded(partial(machine.unfinished, state, now)) is True


def _head(value: bytes) -> float | None:
    """The due time of a row whose offset can be read as well."""
    unpack_at(value)
    return unpack_due(value)
