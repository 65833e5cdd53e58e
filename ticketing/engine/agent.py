"""Agents that handle a batch at a time and ack a batch once its effects are durable."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from faust.types import TP, EventT

from ticketing import metrics
from ticketing.engine import statemachine
from ticketing.engine.fence import Fence
from ticketing.engine.outbox import Outbox
from ticketing.engine.table import DurableTable
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.errors import EXIT_MISCONFIGURED, TicketingError
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of, encode_dead_letter
from ticketing.wire.topics import DEAD_LETTERS

S = TypeVar("S")

TICK_EVERY_SECONDS = 0.1
"""Bounds how late a timer fires; a look at the owned partitions costs next to nothing."""
TICK_RETRY_SECONDS = 5.0
"""A tick waits behind the messages of its partition: sooner would only queue more of them."""
YIELD_EVERY_SENDS = 200
"""Lets heartbeats and other tasks run in between, at a negligible cost per send."""


async def send_dead_letters(outbox: Outbox, letters: list[DeadLetter]) -> None:
    """Produce dead letters with the batch they come from."""
    for letter in letters:
        await outbox.send(DEAD_LETTERS, None, encode_dead_letter(letter))
        metrics.dead_letters_total.labels(letter.stage, letter.reason).inc()


@contextmanager
def timed(agent: str, records: int) -> Iterator[None]:
    """Measure an agent's batch; a batch that raises is not counted."""
    began = time.monotonic()
    yield
    metrics.batch_seconds.labels(agent).observe(time.monotonic() - began)
    metrics.batch_records_total.labels(agent).inc(records)


class Abandoned(TicketingError):
    """The batch is left to the next owner of its partition; the commits stop before the batch."""


class StreamAgent(ABC):
    """An agent of batched topics. `name` is its name in Faust and the stage in dead letters."""

    name: str

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence) -> None:
        self.app = app
        self.watchdog = watchdog
        self.fence = fence

    @abstractmethod
    def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent."""


class BatchAgent(StreamAgent):
    """An agent that handles one batch after the other."""

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence) -> None:
        super().__init__(app, watchdog, fence)
        self.handled: dict[TP, tuple[int, float]] = {}
        """Offset and time (Unix seconds) of the last handled record of each partition."""

    @abstractmethod
    async def handle(self, records: list[Any], event: EventT) -> None:
        """Handle a run of records; return once all effects are durable.

        May raise Abandoned while partitions are being given away.
        """

    async def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent."""
        abandoned: dict[TP, int | None] = {}
        async for event in stream.noack().events():
            message = event.message
            self.app.consumer.begun(message)
            # A later batch of the partition must not be committed over an abandoned one.
            handled = abandoned.get(message.tp) != message.generation_id
            with self.watchdog.batch(self.name):
                try:
                    if handled:
                        with timed(self.name, len(event.value)):
                            await self.handle(event.value, event)
                except Abandoned:
                    handled = False
                    abandoned[message.tp] = message.generation_id
                except Exception as error:  # noqa: BLE001
                    # Bad records are handled one by one, so this is a failure of Kafka, RocksDB or
                    # the disk. Faust would ack and go on; the process leaves instead.
                    leave(f"{self.name}: {type(error).__name__}: {error}")
            await stream.ack(event)
            if handled:
                self.app.consumer.handled(message)
                self.handled[message.tp] = (message.offset, message.timestamp)
            # Waiting for the next batch must not keep this one in memory.
            del event, message
            yield


def add_agent(app: Any, agent: StreamAgent, *topics: str) -> None:
    """Put an agent on a Faust app, as the reader of `topics`."""
    channel = app.topic(*topics, key_type=bytes, value_type=bytes, value_serializer="raw")
    app.agent(channel, name=agent.name)(agent.run)


def add_keyed_agent(app: Any, agent: KeyedAgent[Any]) -> None:
    """Put the agent of a state machine on a Faust app, with its ticks and its revocations."""
    add_agent(app, agent, agent.topic)
    app.task(agent.tick)
    app.on_partitions_revoked.connect(agent.revoked, weak=False)


class TableStore(statemachine.Store):
    """One partition of a Faust table; only the requested keys are decoded."""

    def __init__(self, table: DurableTable, partition: int) -> None:
        self._store = table.data
        self._db = table.data._db_for_partition(partition)

    def get(self, key: str) -> bytes | None:
        """The stored value of a key."""
        return self._db.get(key.encode())  # type: ignore[no-any-return]

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every pair except Faust's record of the changelog offset."""
        offset_key = self._store.offset_key
        for key, value in self._db.items():
            if key != offset_key:
                yield key.decode(), value


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

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Fold, write kept keys, send, delete the others, call back; each step is made durable.

        Keys are deleted after the sends, so a crash in between repeats the end of a key.
        """
        number = event.message.partition
        tx = statemachine.Transaction(TableStore(self.table, number), self.machine, number)
        partition = self._open(tx, number, records[0])
        folded = statemachine.fold(self.machine, tx, records, partition)
        self._ticked_at.pop(number, None)
        kept, gone = self._writes(tx)
        self.fence.check()
        outbox = Outbox(self.app)
        await self.table.write(number, kept, outbox)
        await self._send(tx, outbox)
        tp = event.message.tp
        letters = [
            dead_letter_of(
                tp.topic, tp.partition, record, stage=self.name, reason=reason, detail=detail
            )
            for record, reason, detail in folded.dead
        ]
        await send_dead_letters(outbox, letters)
        await outbox.settle()
        await self.table.write(number, gone, outbox)
        for callback in tx.callbacks():
            callback()
        self._measure()

    async def revoked(self, sender: Any, revoked: Iterable[TP], **kwargs: Any) -> None:
        """Forget the revoked partitions. A handler of Faust's signal."""
        for tp in revoked:
            if tp.topic == self.topic:
                self._partitions.pop(tp.partition, None)
        self._measure()

    def _measure(self) -> None:
        known = self._partitions.values()
        self.machine.report_unfinished(sum(len(partition.unfinished) for partition in known))

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
        return partition.timers.earliest() <= time.time() or self.machine.ready(number)

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
        """Refuse if stored offsets lie beyond the end of the topic: they are another topic's."""
        end = self.app.consumer.highwater(tp)
        if end is None or partition.highest_at < partition.floor + end:
            return
        leave(
            f"{self.name}: offset {partition.highest_at - partition.floor} is kept, and {tp.topic}"
            f"[{tp.partition}] ends at {end}: the topic is not the one that the state was made with."
            f" Stop the workers and run `ticketing topics adopt {tp.topic}`",
            EXIT_MISCONFIGURED,
        )

    def _writes(
        self, tx: statemachine.Transaction[S]
    ) -> tuple[list[tuple[bytes, bytes | None]], list[tuple[bytes, bytes | None]]]:
        kept: list[tuple[bytes, bytes | None]] = []
        gone: list[tuple[bytes, bytes | None]] = []
        for key, write in tx.writes():
            if write.state is not None:
                state = self.machine.encode(write.state)
                kept.append((key.encode(), statemachine.pack(write.at, write.due, state)))
            elif tx.is_stored(key):
                gone.append((key.encode(), None))
        return kept, gone

    async def _send(self, tx: statemachine.Transaction[S], outbox: Outbox) -> None:
        for sent, (topic, key, value, partition) in enumerate(tx.sends(), 1):
            await outbox.send(topic, None if key is None else key.encode(), value, partition)
            if sent % YIELD_EVERY_SENDS == 0:
                await asyncio.sleep(0)
