"""Agents that handle a batch at a time and ack a batch once its effects are durable."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from faust.types import TP, EventT

from ticketing import log, metrics
from ticketing.engine import statemachine
from ticketing.engine.batch import Waiting, parted
from ticketing.engine.deaths import DEADLY, Deaths
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import Failure
from ticketing.engine.halving import halved
from ticketing.engine.outbox import Outbox
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.errors import TicketingError
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of

OF_DEADLY = Failure(DEADLY, "the process ended each time it handled this record alone")


async def send_dead_letters(outbox: Outbox, letters: list[DeadLetter]) -> None:
    """Produce dead letters with the batch they come from."""
    for letter in letters:
        outbox.letter(letter)


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
        self.deaths: Deaths = getattr(app, "deaths", None) or Deaths()

    async def refuse(self, tp: TP, record: Any, failure: Failure) -> DeadLetter | None:
        """Make a record a dead letter; one of our own ticks has nothing to keep."""
        if record.key == statemachine.TICK_KEY:
            return None
        outbox = Outbox(self.app)
        letter = dead_letter_of(
            tp.topic,
            tp.partition,
            record,
            stage=self.name,
            reason=failure.reason,
            detail=failure.detail,
        )
        await send_dead_letters(outbox, [letter])
        await outbox.settle()
        return letter

    @abstractmethod
    def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent."""


class BatchAgent(StreamAgent):
    """An agent that handles one batch after the other.

    What arrives for a partition while a batch is handled is handled together.
    """

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence) -> None:
        super().__init__(app, watchdog, fence)
        self.handled: dict[TP, tuple[int, float]] = {}
        """Offset and time (Unix seconds) of the last handled record of each partition."""
        self._waiting = Waiting()
        self._taken = asyncio.Event()
        self._abandoned: dict[TP, int | None] = {}
        """The generations whose batches of a partition are left to its next owner."""

    @abstractmethod
    async def handle(self, records: list[Any], event: EventT) -> None:
        """Handle a run of records; return once all effects are durable.

        `event` is the last of those that they came with. May raise Abandoned while partitions are
        being given away.
        """

    async def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent: takes events while a task of its own handles them."""
        working: asyncio.Task[None] | None = None
        try:
            async for event in stream.noack().events():
                self._waiting.add(event)
                # Waiting for the next event must not keep this one in memory.
                del event
                if working is None or working.done():
                    working = asyncio.ensure_future(self._work(stream))
                while self._waiting.is_full:
                    self._taken.clear()
                    await self._taken.wait()
                yield
            if working is not None:
                await working
        finally:
            if working is not None:
                working.cancel()

    async def _work(self, stream: Any) -> None:
        """Handle what waits, until nothing does."""
        while events := self._waiting.take():
            self._taken.set()
            tp = events[0].message.tp
            with self.watchdog.batch(self.name), log.about(topic=tp.topic, partition=tp.partition):
                try:
                    await self._handle_together(stream, tp, events)
                except Exception as error:  # noqa: BLE001
                    # Bad records are isolated, so this is a failure of Kafka, RocksDB or the disk.
                    # Faust would ack and go on; the process leaves instead.
                    self.deaths.pause_all()
                    leave(f"{self.name}: {type(error).__name__}: {error}")

    async def _handle_together(self, stream: Any, tp: TP, events: list[EventT]) -> None:
        last = events[-1].message
        self.app.consumer.begun(*(event.message for event in events))
        # A later batch of the partition must not be committed over an abandoned one.
        handled = self._abandoned.get(tp) != last.generation_id
        if handled:
            records = [record for event in events for record in event.value]
            try:
                with timed(self.name, len(records)):
                    await self._isolated(tp, records, events[-1])
            except Abandoned:
                handled = False
                self._abandoned[tp] = last.generation_id
        for event in events:
            await stream.ack(event)
        if handled:
            for event in events:
                self.app.consumer.handled(event.message)
            self.handled[tp] = (last.offset, last.timestamp)

    async def _isolated(self, tp: TP, records: list[Any], event: EventT) -> None:
        """Handle a batch in parts; of records that fail, each becomes a dead letter alone.

        A part that is done is a sign of life: the watchdog's limit is one of a part.
        """
        alone = self.deaths.suspects(tp, records[0].offset, records[-1].offset)
        parts: Iterable[list[Any]] = [[one] for one in records] if alone else parted(records)
        for part in parts:
            first, last = part[0].offset, part[-1].offset
            if alone and self.deaths.is_deadly(tp, first):
                await self.refuse(tp, part[0], OF_DEADLY)
                continue
            self.deaths.begin(tp, first, last)
            try:
                await self._handle_halved(part, event)
            except BaseException:
                self.deaths.pause(tp)
                raise
            self.deaths.end(tp)

    async def _handle_halved(self, records: list[Any], event: EventT) -> None:
        async def work(part: list[Any]) -> None:
            self.watchdog.alive(self.name)
            await self.handle(part, event)

        async def refuse(record: Any, failure: Failure) -> None:
            await self.refuse(event.message.tp, record, failure)

        await halved(self.name, records, work, refuse, (Abandoned,))


def add_agent(app: Any, agent: StreamAgent, *topics: str) -> None:
    """Put an agent on a Faust app, as the reader of `topics`."""
    channel = app.topic(*topics, key_type=bytes, value_type=bytes, value_serializer="raw")
    app.agent(channel, name=agent.name)(agent.run)
