"""The agent of a keyed state machine: folds a batch, makes it durable, and sends its ticks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from faust.types import TP, EventT

from ticketing import metrics
from ticketing.engine import statemachine
from ticketing.engine.agent import BatchAgent, add_agent, send_dead_letters
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import FAILED, Failure, TooLarge, guarded
from ticketing.engine.outbox import Outbox
from ticketing.engine.table import DurableTable
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.errors import BadRecord
from ticketing.wire.dead_letters import (
    FAILED_ROW,
    UNREADABLE_ROW,
    DeadLetter,
    dead_letter_of,
    row_letter_of,
)

log = structlog.get_logger(__name__)

S = TypeVar("S")

REFOLDS_MAX = 8
"""Once to look at every change, then once a size that Kafka refuses in another topic; after that the
batch is halved."""
LIMITS_SECONDS = 60.0
"""A topic that takes larger messages again, as once somebody has raised its limit, is trusted so soon;
asking costs one batch that is folded again."""
TICK_EVERY_SECONDS = 0.1
"""Bounds how late a timer fires; a look at the owned partitions costs next to nothing."""
TICK_RETRY_SECONDS = 5.0
"""A tick waits behind the messages of its partition: sooner would only queue more of them."""
YIELD_EVERY_SENDS = 200
"""Lets heartbeats and other tasks run in between, at a negligible cost per send."""


def add_keyed_agent(app: Any, agent: KeyedAgent[Any]) -> None:
    """Put the agent of a state machine on a Faust app, with its ticks and its revocations."""
    add_agent(app, agent, agent.topic)
    app.task(agent.tick)
    app.on_partitions_revoked.connect(agent.revoked, weak=False)


def _name(key: str) -> bytes:
    """A key as stored; the reverse of `_key`."""
    return key.encode("utf-8", "surrogateescape")


def _key(name: bytes) -> str:
    """The text of a stored key, whatever its bytes are."""
    return name.decode("utf-8", "surrogateescape")


class TableStore(statemachine.Store):
    """One partition of a Faust table; only the requested keys are decoded."""

    def __init__(self, table: DurableTable, partition: int) -> None:
        self._store = table.data
        self._db = table.data._db_for_partition(partition)

    def get(self, key: str) -> bytes | None:
        """The stored value of a key."""
        return self._db.get(_name(key))  # type: ignore[no-any-return]

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every pair except Faust's record of the changelog offset."""
        offset_key = self._store.offset_key
        for key, value in self._db.items():
            if key != offset_key:
                yield _key(key), value


Rows = list[tuple[bytes, bytes | None]]
"""Encoded keys with their rows; None deletes."""


@dataclass(frozen=True)
class _Batch:
    """A batch that is folded and encoded."""

    tx: statemachine.Transaction[Any]
    partition: statemachine.PartitionState
    folded: statemachine.Folded
    kept: Rows
    gone: Rows


class KeyedAgent(BatchAgent, Generic[S]):
    """The agent of a keyed state machine: the only writer of its table."""

    def __init__(
        self,
        app: Any,
        watchdog: Watchdog,
        fence: Fence,
        *,
        name: str,
        topic: str,
        table: DurableTable,
        machine: statemachine.Machine[S],
    ) -> None:
        super().__init__(app, watchdog, fence)
        self.name = name
        self.topic = topic
        self.table = table
        self.machine = machine
        self._partitions: dict[int, statemachine.PartitionState] = {}
        self._generation = -1
        self._ticked_at: dict[int, float] = {}
        self._reported: set[tuple[int, str]] = set()
        """Rows told of in the dead letters, by partition and key."""
        self._limits = statemachine.Limits()
        self._learned_at = 0.0

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Fold, write kept keys, send, delete the others, call back; each step is made durable.

        Keys are deleted after the sends, so a crash in between repeats the end of a key. A batch
        with a state that can't be encoded, or a message that Kafka finds too large, is folded again
        with a look at every single change, so that the message or key that causes it is isolated.
        """
        number = event.message.partition
        checked = False
        if self._limits.topics and time.monotonic() - self._learned_at > LIMITS_SECONDS:
            self._limits = statemachine.Limits()
        for _ in range(REFOLDS_MAX):
            batch = self._folded(records, number, checked)
            if batch is None:
                checked = True
                self._partitions.pop(number, None)
                continue
            try:
                await self._make_durable(batch, event.message.tp)
                return
            except TooLarge as error:
                self._learn(error)
                log.error("too_large", agent=self.name, topic=error.topic, bytes=error.size)
                await self._undo(batch, number)
                checked = True
                self._partitions.pop(number, None)
        raise BadRecord(FAILED, "its changes can't be made durable in any size")

    def _folded(self, records: list[Any], number: int, checked: bool) -> _Batch | None:
        """A batch folded and encoded; None where it must be folded again, checked."""
        limits = self._limits if checked else None
        store = TableStore(self.table, number)
        tx = statemachine.Transaction(store, self.machine, number, checked=limits)
        partition = self._open(tx, number, records[0])
        folded = statemachine.fold(self.machine, tx, records, partition)
        self._ticked_at.pop(number, None)
        rows = guarded(partial(self._writes, tx))
        if isinstance(rows, Failure):
            if checked:
                raise BadRecord(rows.reason, rows.detail)
            return None
        largest = max((len(row or b"") for _, row in rows[0]), default=0)
        if not checked and self._limits.row is not None and largest >= self._limits.row:
            return None
        return _Batch(tx, partition, folded, *rows)

    async def _undo(self, batch: _Batch, number: int) -> None:
        """Write every row back as it was before the batch; messages are sent again, as ever."""
        outbox = Outbox(self.app)
        before = [(name, batch.tx.row(_key(name))) for name, _ in batch.kept]
        try:
            await self.table.write(number, before, outbox)
        except TooLarge:
            # Kafka takes less than it did: those rows stay ahead, as after a crash.
            log.error("rows_not_restored", agent=self.name, partition=number)

    async def _make_durable(self, batch: _Batch, tp: TP) -> None:
        tx, number = batch.tx, tp.partition
        self.fence.check()
        outbox = Outbox(self.app)
        await self.table.write(number, batch.kept, outbox)
        await self._send(tx, outbox)
        letters = [
            dead_letter_of(
                tp.topic,
                tp.partition,
                dead.record,
                stage=self.name,
                reason=dead.failure.reason,
                detail=dead.failure.detail,
                part=dead.value,
            )
            for dead in batch.folded.dead
        ]
        await send_dead_letters(outbox, [*letters, *self._reports(batch, number)])
        await outbox.settle()
        await self.table.write(number, batch.gone, outbox)
        for callback in tx.callbacks():
            failed = guarded(callback)
            if isinstance(failed, Failure):
                log.error("callback_failed", agent=self.name, why=failed.detail)
        self._measure()

    def _learn(self, error: TooLarge) -> None:
        """Note the size that Kafka refuses. A published state is a part of its row."""
        known = self._limits
        size = min(error.size, known.topics.get(error.topic, error.size))
        row = known.row
        if (
            error.topic == self.table.changelog_topic_name
            or error.topic in self.machine.latest_only
        ):
            row = size if row is None else min(row, size)
        self._limits = statemachine.Limits(row, {**known.topics, error.topic: size})
        self._learned_at = time.monotonic()

    def _reports(self, batch: _Batch, number: int) -> list[DeadLetter]:
        """Tell of rows that can't be read and rules that fail: once in the letters, then counted."""
        found = {key: (UNREADABLE_ROW, "decode", why) for key, why in batch.folded.aside.items()}
        for key, (rule, why) in batch.folded.failing.items():
            found[key] = (FAILED_ROW, rule, why)
        letters = []
        for key, (reason, rule, why) in found.items():
            metrics.rules_failed_total.labels(self.name, rule).inc()
            if (number, key) in self._reported:
                continue
            self._reported.add((number, key))
            log.error("row_set_aside", agent=self.name, key=key, rule=rule, why=why.detail)
            row = batch.tx.row(key)
            if row is not None:
                letters.append(
                    row_letter_of(
                        self.table.changelog_topic_name,
                        number,
                        key,
                        row,
                        stage=self.name,
                        reason=reason,
                        detail=f"{rule}: {why.detail}",
                    )
                )
        return letters

    async def revoked(self, sender: Any, revoked: Iterable[TP], **kwargs: Any) -> None:
        """Forget the revoked partitions. A handler of Faust's signal."""
        for tp in revoked:
            if tp.topic == self.topic:
                self._partitions.pop(tp.partition, None)
        self._measure()

    def _measure(self) -> None:
        known = self._partitions.values()
        unfinished = sum(len(partition.unfinished) for partition in known)
        guarded(partial(self.machine.report_unfinished, unfinished))
        troubled = sum(partition.troubled for partition in known)
        metrics.rows_set_aside.labels(self.name).set(troubled)

    async def tick(self) -> None:
        """Send a tick into each owned partition that was just assigned or has something due.

        Runs as a task beside the agent for as long as the app does.
        """
        while not self.app.should_stop:
            await asyncio.sleep(TICK_EVERY_SECONDS)
            if self.app.rebalancing or self.app.in_recovery:
                continue
            for number in self._owned():
                if self._wants_tick(number):
                    self._ticked_at[number] = time.monotonic()
                    await self.app.producer.send(
                        self.topic, statemachine.TICK_KEY, b"{}", number, None, None
                    )

    def _owned(self) -> list[int]:
        return sorted(
            tp.partition for tp in self.app.consumer.assignment() if tp.topic == self.topic
        )

    def _wants_tick(self, number: int) -> bool:
        last = self._ticked_at.get(number)
        if last is not None and time.monotonic() - last < TICK_RETRY_SECONDS:
            return False
        partition = self._partitions.get(number)
        if partition is None or self._generation != self.app.consumer_generation_id:
            return True
        if partition.timers.earliest() <= time.time():
            return True
        return guarded(partial(self.machine.ready, number)) is True

    def _open(
        self, tx: statemachine.Transaction[S], number: int, first: Any
    ) -> statemachine.PartitionState:
        generation = self.app.consumer_generation_id
        if generation != self._generation:
            # Another worker may have written in between: the state in memory is stale.
            self._generation = generation
            self._partitions.clear()
        partition = self._partitions.get(number)
        if partition is None:
            floor = self.app.role_topics.floors.get(self.topic, 0)
            partition = self._partitions[number] = statemachine.PartitionState(floor)
            statemachine.scan(self.machine, tx, partition, first.offset, first.timestamp / 1000.0)
            self._require_own_topic(partition, TP(self.topic, number))
        return partition

    def _require_own_topic(self, partition: statemachine.PartitionState, tp: TP) -> None:
        """Refuse if stored offsets lie beyond the end of the topic: they are another topic's.

        One row alone among others is damaged rather, and nobody's concern but its own.
        """
        end = self.app.consumer.highwater(tp)
        kept = min(partition.reflected, default=-1) - partition.floor
        if end is None or kept < end:
            return
        leave(
            f"{self.name}: offset {kept} is kept, and {tp.topic}[{tp.partition}] ends at {end}: the"
            " topic is not the one that the state was made with. Stop the workers and run"
            f" `ticketing topics adopt {tp.topic}`",
            "misconfigured",
        )

    def _writes(self, tx: statemachine.Transaction[S]) -> tuple[Rows, Rows]:
        kept: Rows = []
        gone: Rows = []
        for key, write in tx.writes():
            name = _name(key)
            if write.state is not None:
                state = self.machine.encode(write.state)
                kept.append((name, statemachine.pack(write.at, write.due, state)))
            elif tx.is_stored(key):
                gone.append((name, None))
        return kept, gone

    async def _send(self, tx: statemachine.Transaction[S], outbox: Outbox) -> None:
        for sent, (topic, key, value, partition) in enumerate(tx.sends(), 1):
            await outbox.send(topic, None if key is None else key.encode(), value, partition)
            if sent % YIELD_EVERY_SENDS == 0:
                await asyncio.sleep(0)
