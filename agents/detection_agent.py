"""The detection agent: enriched logs in, packed signals out, stateless."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from faust.types import TP, EventT

from agents.detection import Detected, Detector
from ticketing import metrics
from ticketing.agent import BatchAgent, send_dead_letters
from ticketing.domain.signals import Progress
from ticketing.durable import Outbox
from ticketing.models import SignalBody, encode_signals
from ticketing.topics import SIGNALS, TRACES
from ticketing.watchdog import leave

PROGRESS_EVERY_SECONDS = 5.0
MESSAGE_OVERHEAD_BYTES = 1024
"""What Kafka adds to a message, generously."""


class DetectionAgent(BatchAgent):
    """Sends the signals of a run, and starts the next run of that partition once they are durable.

    The order matters: an incident's watermark is exact only if what lies below it has arrived.
    Runs of other partitions go on meanwhile.
    """

    name = "detection"

    def __init__(
        self,
        app: Any,
        watchdog: Any,
        fence: Any,
        detector: Detector,
        *,
        signals_partitions: int,
        message_bytes_max: int,
        gaps_fail: bool,
    ) -> None:
        """`gaps_fail`: offsets that jump mean that the (embedded) broker has let records go."""
        super().__init__(app, watchdog, fence)
        self._detector = detector
        self._signals_partitions = signals_partitions
        self._message_bytes_max = message_bytes_max - MESSAGE_OVERHEAD_BYTES
        self._gaps_fail = gaps_fail
        self._pending: dict[TP, asyncio.Task[None]] = {}
        self._next: dict[TP, int] = {}
        self._handled_at: dict[TP, float] = {}
        self._generation = -1

    async def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent: one run of each partition under way at a time."""
        async for event in stream.noack().events():
            tp = event.message.tp
            pending = self._pending.get(tp)
            if pending is not None:
                await pending
            self._pending[tp] = asyncio.ensure_future(self._finish(stream, event))
            # The task must get to its first wait before the next run is begun.
            await asyncio.sleep(0)
            yield

    async def _finish(self, stream: Any, event: EventT) -> None:
        tp = event.message.tp
        with self.watchdog.batch(f"{self.name} {tp.topic}[{tp.partition}]"):
            try:
                await self.handle(event.value, event)
            except Exception as error:  # noqa: BLE001
                # Bad records were dealt with one by one: what is left is a failure of Kafka.
                leave(f"{self.name}: {type(error).__name__}: {error}")
        await stream.ack(event)
        self.app.consumer.handled(event.message)

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Detect, send one message per target partition, wait until all of it is durable."""
        tp = event.message.tp
        self._look_for_gap(tp, records)
        await self._detect(tp, records)
        self._handled_at[tp] = records[-1].timestamp / 1000.0

    async def _detect(self, tp: TP, records: list[Any]) -> None:
        detected = self._detector.detect(tp.topic, tp.partition, records)
        messages = [
            (partition, encode_signals(bodies))
            for partition, bodies in detected.by_partition(self._signals_partitions).items()
        ]
        largest = max((len(value) for _, value in messages), default=0)
        if largest > self._message_bytes_max and len(records) > 1:
            # The signals of one run must come in one message, so this becomes two runs.
            middle = len(records) // 2
            await self._detect(tp, records[:middle])
            await self._detect(tp, records[middle:])
            return
        outbox = Outbox(self.app)
        for partition, value in messages:
            await outbox.send(SIGNALS, None, value, partition)
        if detected.spans is not None:
            # As many partitions as the signals': all of our topics have the same number.
            for partition, value, _ in detected.spans.messages(self._signals_partitions):
                await outbox.send(TRACES, None, value, partition)
        await send_dead_letters(outbox, detected.dead_letters)
        await outbox.settle()
        self._count(detected)

    def _count(self, detected: Detected) -> None:
        metrics.records_total.inc(detected.records)
        metrics.records_below_threshold_total.inc(detected.below_threshold)
        for letter in detected.dead_letters:
            metrics.records_dead_lettered_total.labels(letter.reason).inc()

    def _look_for_gap(self, tp: TP, records: list[Any]) -> None:
        generation = self.app.consumer_generation_id
        if generation != self._generation:
            self._generation = generation
            self._next.clear()
            self._handled_at.clear()
        if self._gaps_fail:
            expected = self._next.get(tp, records[0].offset)
            last = records[-1].offset
            # After a recovery some are read twice; that is no gap.
            if records[0].offset > expected or last - records[0].offset + 1 != len(records):
                leave(f"the embedded broker has let go of records of {tp.topic}[{tp.partition}]")
            self._next[tp] = last + 1

    async def report_progress(self) -> None:
        """Tell the incidents up to which arrival time each owned partition is dealt with."""
        while not self.app.should_stop:
            await asyncio.sleep(PROGRESS_EVERY_SECONDS)
            if self.app.rebalancing or self.app.in_recovery:
                continue
            bodies = self._progress()
            if bodies:
                value = encode_signals(bodies)
                for partition in range(self._signals_partitions):
                    await self.app.producer.send(SIGNALS, None, value, partition, None, None)

    def _progress(self) -> list[SignalBody]:
        consumer = self.app.consumer
        now = time.time()
        bodies: list[SignalBody] = []
        for tp in consumer.assignment():
            if tp.topic not in self.topics:
                continue
            # A record may bear any time: what was handled before now is all that can be said.
            handled_at = min(now, self._handled_at.get(tp, 0.0))
            through = now if consumer.caught_up(tp) else handled_at
            bodies.append(
                Progress(
                    topic=tp.topic,
                    partition=tp.partition,
                    partitions=consumer.topic_partitions(tp.topic) or 0,
                    through=through,
                )
            )
        return bodies

    @property
    def topics(self) -> frozenset[str]:
        """The input topics."""
        return self._detector.topics
