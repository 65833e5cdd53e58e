"""The agent of a keyed state machine: folds a batch, makes it durable, and sends its ticks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP, EventT

from ticketing import metrics
from ticketing.engine import statemachine
from ticketing.engine.agent import Abandoned, BatchAgent, add_agent, send_dead_letters
from ticketing.engine.boottime import boottime
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import FAILED, Failure, StoreFailed, Superseded, TooLarge, guarded
from ticketing.engine.outbox import Outbox
from ticketing.engine.partition_clock import PartitionClock
from ticketing.engine.row import FIRST_ROW, MARK_KEY, NOTHING_FOLDED, decode_mark, encode_mark
from ticketing.engine.row_index import belonging, due_or_open, reflecting
from ticketing.engine.table import DurableTable, Rows
from ticketing.engine.transport import RECORD_OVERHEAD_BYTES
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.errors import BadRecord
from ticketing.telemetry.spans import NO_SPANS, Remembered, processing
from ticketing.wire.dead_letters import (
    FAILED_ROW,
    UNREADABLE_ROW,
    DeadLetter,
    dead_letter_of,
    row_letter_of,
)
from ticketing.wire.topics import CHANGELOG_BYTES_MAX

log = structlog.get_logger(__name__)

S = TypeVar("S")

REFOLDS_MAX = 8
"""Once to look at every change, then once a size that Kafka refuses in another topic; after that the
batch is halved."""
BATCH_BYTES_MAX = CHANGELOG_BYTES_MAX - 1024
"""Rows of one batch before compression: as many as fit into the changelog in any case."""
LIMITS_SECONDS = 60.0
"""A topic that takes larger messages again, as once somebody has raised its limit, is trusted so soon;
asking costs one batch that is folded again."""
TICK_EVERY_SECONDS = 0.1
"""Bounds how late a timer fires; a look at the owned partitions costs next to nothing."""
TICK_RETRY_SECONDS = 5.0
"""A tick waits behind the messages of its partition: sooner would only queue more of them."""
SLICE_SECONDS = 0.02
"""For which rows are looked at in one go: messages and heartbeats wait no longer for the next."""
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
    """One partition of a Faust table, claimed; only the requested keys are decoded."""

    def __init__(self, table: DurableTable, partition: int) -> None:
        self._store = table.data
        self._db = table.data._db_for_partition(partition)

    def get(self, key: str) -> bytes | None:
        """The stored value of a key."""
        return self._db.get(_name(key))  # type: ignore[no-any-return]

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every pair except Faust's record of the changelog offset and the engine's rows."""
        offset_key = self._store.offset_key
        for key, value in self._db.items(FIRST_ROW):
            if key != offset_key:
                yield _key(key), value

    def to_look_at(self, until: float) -> Iterator[tuple[str, bytes]]:
        """By the index: the pairs that are due until a time, then those that are open."""
        for key in due_or_open(self._db, until):
            value = self._db.get(key)
            if value is not None:
                yield _key(key), value

    def reflecting(self, offset: int) -> Iterator[str]:
        """By the index: the keys of the rows that may be unpublished."""
        for key in reflecting(self._db, offset):
            yield _key(key)

    def belonging(self, owner: str) -> Iterator[str]:
        """By the index: the keys of the rows that belong to the row of another key."""
        for key in belonging(self._db, owner):
            yield _key(key)


@dataclass(frozen=True)
class _Batch:
    """A batch that is folded and encoded; no rows where no state has changed."""

    tx: statemachine.Transaction[Any]
    folded: statemachine.Folded
    rows: Rows


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
        traces: Remembered | None = None,
    ) -> None:
        """`traces` is told the trace of the last message that changed each key."""
        super().__init__(app, watchdog, fence)
        self.name = name
        self.topic = topic
        self.table = table
        self.machine = machine
        self._partitions: dict[int, statemachine.PartitionState] = {}
        self._generation = -1
        self._clocks: dict[int, PartitionClock] = {}
        self._ticked_at: dict[int, float] = {}
        self._reported: set[tuple[int, str]] = set()
        """Rows told of in the dead letters, by partition and key."""
        self._lettered: set[tuple[int, bytes | None]] = set()
        """The messages of the run in hand whose dead letters are sent."""
        self._limits = statemachine.Limits()
        self._learned_at = 0.0
        self._traces = Remembered() if traces is None else traces
        self._spans = NO_SPANS
        """Those of the batch in hand."""

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Fold, write, send, call back; each step is made durable before the next.

        A run whose rows are more than the changelog takes at once is folded in parts.
        """
        tp = event.message.tp
        with processing(self.name, tp.topic, tp.partition, records) as self._spans:
            await self._handle(records, tp)

    async def _handle(self, records: list[Any], tp: TP) -> None:
        partition = await self._open(tp, records[0])
        clock = self._clocks.get(tp.partition)
        if clock is not None:
            clock.saw(records[-1].timestamp / 1000.0, boottime())
        self._lettered.clear()
        parts, due_max = [records], statemachine.DUE_PER_TICK_MAX
        while parts:
            part = parts[0]
            fold = partial(
                statemachine.fold,
                records=part,
                partition=partition,
                due_max=due_max,
                now=self._now(tp.partition),
                sliced=True,
            )
            left = await self._fold(fold, partition, tp, several=len(part) > 1)
            half = len(part) // 2
            if left is None:
                del parts[0]
            elif half:
                parts[:1] = [part[:half], part[half:]]
            else:
                due_max = left // 2

    async def _open(self, tp: TP, first: Any) -> statemachine.PartitionState:
        """The state in memory of an owned partition; a newly assigned one is claimed and scanned."""
        self._follow_generation()
        partition = self._partitions.get(tp.partition)
        if partition is not None:
            return partition
        self.fence.check()
        try:
            stored = await self.table.claim(tp.partition, self._generation)
            await self.table.build_index(tp.partition)
        except Superseded as error:
            self._superseded(error, tp)
            raise
        floor = self.app.role_topics.floors.get(self.topic, 0)
        mark = NOTHING_FOLDED if stored is None else guarded(partial(decode_mark, stored))
        if isinstance(mark, Failure):
            log.error("mark_unreadable", agent=self.name, partition=tp.partition, why=mark.detail)
            mark = statemachine.mark_of_rows(TableStore(self.table, tp.partition))
        partition = statemachine.PartitionState(floor, mark)
        self._require_own_topic(partition, tp)
        now = self._now(tp.partition)
        work = partial(
            statemachine.recover,
            partition=partition,
            first=first.offset,
            now=first.timestamp / 1000.0 if now is None else now,
        )
        await self._fold(work, partition, tp, several=False)
        now = work.keywords["now"]
        statemachine.begin_look(partition, self._stored(tp.partition), now)
        self._look(partition, now)
        self._partitions[tp.partition] = partition
        return partition

    def _follow_generation(self) -> None:
        """Forget the partitions of an assignment before: another worker may have written since."""
        generation = self.app.consumer_generation_id
        if generation != self._generation:
            self._generation = generation
            self._partitions.clear()
            self._clocks.clear()

    def _stored(self, number: int) -> statemachine.Transaction[S]:
        """A transaction to read the rows of a partition."""
        return statemachine.Transaction(TableStore(self.table, number), self.machine, number)

    def _look(self, partition: statemachine.PartitionState, now: float) -> None:
        """Look at a slice of the rows for timers."""
        ends = time.perf_counter() + SLICE_SECONDS
        for _ in statemachine.look(self.machine, partition, now):
            if time.perf_counter() > ends:
                return

    def _now(self, number: int) -> float | None:
        """The time by a partition's clock; None before it has started."""
        clock = self._clocks.get(number)
        return None if clock is None else clock.read(boottime())

    async def _fold(
        self,
        work: Callable[..., statemachine.Folded],
        partition: statemachine.PartitionState,
        tp: TP,
        *,
        several: bool,
    ) -> int | None:
        """Fold with `work` and make the outcome durable.

        `several`: more than one message is folded. Returns the number of keys that were due where
        the rows do not fit into one record batch and can be made fewer; None once all is durable.

        A batch with a state that can't be encoded, or a message that Kafka finds too large, is folded
        again with a look at every single change, so that the message or key that causes it is
        isolated.
        """
        checked = False
        if self._limits.topics and time.monotonic() - self._learned_at > LIMITS_SECONDS:
            self._limits = statemachine.Limits()
        for _ in range(REFOLDS_MAX):
            limits = self._limits if checked else None
            store = TableStore(self.table, tp.partition)
            tx = statemachine.Transaction(store, self.machine, tp.partition, checked=limits)
            folded = work(self.machine, tx)
            divisible = several or len(folded.due) > 1
            self._ticked_at.pop(tp.partition, None)
            rows = guarded(partial(self._rows, tx, folded))
            if isinstance(rows, Failure):
                statemachine.discard(folded, partition)
                if checked:
                    raise BadRecord(rows.reason, rows.detail)
            elif divisible and _size(rows) >= self._batch_bytes_max:
                statemachine.discard(folded, partition)
                return len(folded.due)
            else:
                batch = _Batch(tx, folded, rows)
                try:
                    await self._make_durable(batch, partition, tp)
                    return None
                except TooLarge as error:
                    statemachine.discard(folded, partition)
                    self._learn(error)
                    log.error("too_large", agent=self.name, topic=error.topic, bytes=error.size)
                    if error.topic == self.table.changelog_topic_name:
                        if divisible:
                            return len(folded.due)
                        self._refuse_largest(rows)
                    elif rows:
                        await self._undo(batch, partition, tp)
            checked = True
        raise BadRecord(FAILED, "its changes can't be made durable in any size")

    @property
    def _batch_bytes_max(self) -> int:
        refused = self._limits.topics.get(self.table.changelog_topic_name, BATCH_BYTES_MAX)
        return min(BATCH_BYTES_MAX, refused)

    def _refuse_largest(self, rows: Rows) -> None:
        """Let a checked fold refuse the change that makes the largest row of a message alone."""
        largest = max((len(row or b"") for _, row in rows), default=0)
        known = self._limits.row
        row = largest if known is None else min(known, largest)
        self._limits = statemachine.Limits(row, self._limits.topics)

    def _rows(self, tx: statemachine.Transaction[S], folded: statemachine.Folded) -> Rows:
        """Every changed row and the mark; nothing without a change."""
        rows: Rows = []
        for key, write in tx.writes():
            if write.state is not None:
                state = self.machine.encode(write.state)
                rows.append((_name(key), statemachine.pack(write.at, write.due, state)))
            elif tx.is_stored(key):
                rows.append((_name(key), None))
        return [*rows, (MARK_KEY, encode_mark(folded.mark))] if rows else []

    async def _undo(self, batch: _Batch, partition: statemachine.PartitionState, tp: TP) -> None:
        """Write every row back as it was before the batch; messages are sent again, as ever."""
        before: Rows = [
            (name, batch.tx.row(_key(name))) for name, _ in batch.rows if name != MARK_KEY
        ]
        try:
            await self._write(tp, [*before, (MARK_KEY, encode_mark(partition.mark))])
        except TooLarge as error:
            # Kafka takes less than it did: as after a crash, the next start goes on from the rows.
            raise StoreFailed(f"{self.name}: rows can't be written back: {error}") from error

    async def _write(self, tp: TP, rows: Rows) -> None:
        try:
            await self.table.write(tp.partition, rows)
        except Superseded as error:
            self._superseded(error, tp)
            raise

    def _superseded(self, error: Superseded, tp: TP) -> None:
        """Give the batch up where the partition is being given away; else this process has slept."""
        self._partitions.pop(tp.partition, None)
        rebalancing = getattr(self.app, "rebalancing", False)
        if rebalancing or self.app.consumer_generation_id != self._generation:
            raise Abandoned(str(error)) from error
        leave(f"{self.name}: {error}", "asleep")

    async def _make_durable(
        self, batch: _Batch, partition: statemachine.PartitionState, tp: TP
    ) -> None:
        tx = batch.tx
        self.fence.check()
        outbox = Outbox(self.app)
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
            if (dead.record.offset, dead.value) not in self._lettered
        ]
        reports = self._reports(batch, tp.partition)
        # Dead letters first: behind the mark their messages are not folded again.
        await send_dead_letters(outbox, [*letters, *reports])
        await outbox.settle()
        self._lettered.update((dead.record.offset, dead.value) for dead in batch.folded.dead)
        if batch.rows:
            await self._write(tp, batch.rows)
        self._remember(tx, partition.floor)
        await self._send(tx, outbox)
        await outbox.settle()
        statemachine.accept(self.machine, tx, batch.folded, partition)
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
        if error.topic in self.machine.latest_only:
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
                self._clocks.pop(tp.partition, None)
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
            self._follow_generation()
            for number in self._owned():
                if self._wants_tick(number):
                    self._ticked_at[number] = boottime()
                    await self._send_tick(number)
            await self._look_on()

    async def _send_tick(self, number: int) -> None:
        """Send a tick, whose acknowledgement sets the partition's clock; a lost one is sent again."""
        generation = self._generation
        try:
            sent = await self.app.producer.send(
                self.topic, statemachine.TICK_KEY, b"{}", number, None, None
            )
            acknowledged = await sent
        except KafkaError as error:
            # Kafka is away, or has refused the batch that the client put the tick into.
            log.warning("tick_lost", agent=self.name, partition=number, why=type(error).__name__)
            return
        if generation != self._generation:
            return
        clock = self._clocks.setdefault(number, PartitionClock())
        # The embedded broker answers with no real time; all of its processes have this machine's.
        embedded = getattr(self.app, "embedded", False)
        stamp = time.time() if embedded else acknowledged.timestamp / 1000.0
        by = clock.heard(stamp, boottime())
        partition = self._partitions.get(number)
        if by == 0.0 or partition is None:
            return
        log.warning("clock_steps", agent=self.name, partition=number, seconds=round(by, 3))
        partition.follow_step(by)
        slice_ends = time.perf_counter() + SLICE_SECONDS
        for key, _ in self._stored(number).stored():
            partition.stepping.append((key, by))
            if time.perf_counter() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.perf_counter() + SLICE_SECONDS

    async def _look_on(self) -> None:
        """Go on looking at rows, in slices, for as long as a round of ticks takes."""
        ends = time.perf_counter() + TICK_EVERY_SECONDS
        for number, partition in list(self._partitions.items()):
            while partition.looking is not None and partition is self._partitions.get(number):
                now = self._now(number)
                self._look(partition, partition.now if now is None else now)
                await asyncio.sleep(0)
                if time.perf_counter() > ends:
                    return

    def _owned(self) -> list[int]:
        return sorted(
            tp.partition for tp in self.app.consumer.assignment() if tp.topic == self.topic
        )

    def _wants_tick(self, number: int) -> bool:
        boot = boottime()
        last = self._ticked_at.get(number)
        if last is not None and boot - last < TICK_RETRY_SECONDS:
            return False
        partition, clock = self._partitions.get(number), self._clocks.get(number)
        now = None if clock is None else clock.read(boot)
        if partition is None or clock is None or now is None:
            return True
        if partition.earliest() <= now:
            return True
        waits = len(partition.timers) or clock.in_doubt or clock.is_overtaken
        if waits and clock.wants_message(boot):
            return True
        return guarded(partial(self.machine.ready, number)) is True

    def _require_own_topic(self, partition: statemachine.PartitionState, tp: TP) -> None:
        """Refuse if the mark lies beyond the end of the topic: it is another topic's."""
        end = self.app.consumer.highwater(tp)
        kept = partition.mark.folded - partition.floor
        if end is None or kept < end:
            return
        leave(
            f"{self.name}: offset {kept} is kept, and {tp.topic}[{tp.partition}] ends at {end}: the"
            " topic is not the one that the state was made with. Stop the workers and run"
            f" `ticketing topics adopt {tp.topic}`",
            "misconfigured",
        )

    def _remember(self, tx: statemachine.Transaction[S], floor: int) -> None:
        """Remember the trace of each key that a message of one has changed."""
        if self._spans is NO_SPANS:
            return
        for key, write in tx.writes():
            context = self._spans.of(write.at - floor)
            if context is not None:
                self._traces.keep(key, context)

    async def _send(self, tx: statemachine.Transaction[S], outbox: Outbox) -> None:
        for sent, ((topic, key, value, partition), about) in enumerate(tx.sends_about(), 1):
            # A message about no key may sum up several traces, to which the first span links.
            context = self._spans.first if about is None else self._traces.get(about)
            await outbox.send(
                topic, None if key is None else key.encode(), value, partition, context=context
            )
            if sent % YIELD_EVERY_SENDS == 0:
                await asyncio.sleep(0)


def _size(rows: Rows) -> int:
    """Upper bound of the bytes of rows in a record batch."""
    return sum(len(key) + len(row or b"") + RECORD_OVERHEAD_BYTES for key, row in rows)
