"""The detection agent: enriched logs in, packed signals out, stateless."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import structlog
from faust.types import TP, EventT

from agents.detection_run import Detected, Detector, Run
from agents.recent_signals import RecentSignals
from agents.source_totals import SourceTotals, tally_of
from agents.unscored import UnscoredNotice
from ticketing import metrics
from ticketing.domain.alerts.conservation import Tally
from ticketing.domain.signals import Origin, Progress
from ticketing.engine.agent import OF_DEADLY, StreamAgent, send_dead_letters, timed
from ticketing.engine.departure import leave
from ticketing.engine.guarded import Failure, TooLarge
from ticketing.engine.halving import halved
from ticketing.engine.outbox import Outbox
from ticketing.log import about
from ticketing.telemetry.spans import consuming
from ticketing.wire.signals import SignalBody, encode_signals
from ticketing.wire.topics import SIGNALS, TRACES
from ticketing.wire.traces import Position, encode_positions

log = structlog.get_logger(__name__)

PROGRESS_EVERY_SECONDS = 5.0
"""Small beside the times that wait for it, such as `autoResolveAfter`; each costs a message per
partition of the signals."""
EVENTS_TOGETHER_MAX = 32
"""Batches of a partition that share a run, some 32 MB: a fetch is a megabyte, or one larger record."""
EVENTS_HELD_MAX = 128
"""Batches in all open runs together: four full ones, however many partitions there are."""
HELD_RECORDS_MAX = 1_000
"""Records of a run that is held open for more: of so many each costs little."""
FINGERPRINTS_TOGETHER_MAX = 1_500
"""A run of so many fingerprints fills a message: a longer one would not cost less."""
BEHIND_SECONDS_MAX = 1.0
"""Time a run stays open while its partition has more to read: longer runs cost less, but their
signals come later."""
IDLE_SECONDS = 10.0
"""Time for which a partition without records keeps its distance to the clock: its source may only
be slow, such as a replay in step with the time of its records."""
MESSAGE_OVERHEAD_BYTES = 1024
"""Upper bound of the bytes that Kafka adds to a message."""


@dataclass
class _OpenRun:
    """The records of a partition's next signals."""

    run: Run
    events: list[EventT] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    failed: Exception | None = None
    """The error of a record that the run could not take."""
    taken: list[Any] = field(default_factory=list)
    """The records so far, in their order."""
    opened_at: float = field(default_factory=time.monotonic)

    def take(self, records: list[Any]) -> None:
        """Judge records; an error is kept, as they are then told in halves."""
        self.taken += records
        if self.failed is None:
            try:
                self.run.take(records)
            except Exception as error:  # noqa: BLE001  (no record harms another)
                self.failed = error

    def goes_on_with(self, event: EventT) -> bool:
        """True if the run has room for an event that follows its last one in the same generation.

        After a rebalance or a recovery records are read again: in one run they would count twice.
        """
        last = self.events[-1].message
        if last.generation_id != event.message.generation_id:
            return False
        return len(self.events) < EVENTS_TOGETHER_MAX and event.value[0].offset > int(last.offset)


class DetectionAgent(StreamAgent):
    """Sends the signals of a run; the next run of that partition is sent once these are durable.

    The order matters: a source's mark is exact only if everything below it has arrived.
    Runs of other partitions go on meanwhile. A backlog makes a run of several fetches: fewer and
    larger signals cost less downstream.
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
        hold_seconds: float = 0.0,
    ) -> None:
        """`gaps_fail`: a gap in the offsets ends the process: the embedded broker dropped records.

        `hold_seconds` is the time for which a run without news stays open for more records.
        """
        super().__init__(app, watchdog, fence)
        self._detector = detector
        self._unscored = UnscoredNotice(enabled=detector.reader.by_level is None)
        self.totals = SourceTotals(detector.topic_ids, app.notes)
        """The totals of each source partition."""
        self._signals_partitions = signals_partitions
        self._message_bytes_max = message_bytes_max - MESSAGE_OVERHEAD_BYTES
        self._gaps_fail = gaps_fail
        self._hold_seconds = hold_seconds
        self._open: dict[TP, _OpenRun] = {}
        self._sending: dict[TP, asyncio.Task[None]] = {}
        self._told: dict[TP, _OpenRun] = {}
        """The runs being sent."""
        self._next: dict[TP, int] = {}
        self._handled_at: dict[TP, float] = {}
        self._caught_up_at: dict[TP, float] = {}
        """The monotonic time at which all known records of a partition were handled last: while a run
        is held open, they seldom are."""
        self._reached: dict[TP, tuple[float, float]] = {}
        """Event time that the handled records have reached, and the time of their handling."""
        self._generation = -1
        self._recent = RecentSignals()

    async def run(self, stream: Any) -> AsyncIterator[None]:
        """The body of the Faust agent: per partition one run is open while one is sent."""
        async for event in stream.noack().events():
            tp = event.message.tp
            self.app.consumer.begun(event.message)
            open_ = self._open.get(tp)
            if open_ is not None and not open_.goes_on_with(event):
                open_.complete.set()
                await self._sending[tp]
            if self.deaths.suspects(tp, event.value[0].offset, event.value[-1].offset):
                await self._take_alone(stream, tp, event)
                yield
                continue
            self._take(tp, event)
            if tp not in self._sending:
                self._sending[tp] = asyncio.ensure_future(self._send_runs(stream, tp))
            # Waiting for the next event must not keep this one in memory.
            del event, open_
            # A complete run gets to its first await before more is taken.
            await asyncio.sleep(0)
            yield

    async def _take_alone(self, stream: Any, tp: TP, event: EventT) -> None:
        """Handle an event a record at a time, as one of its records may end the process."""
        self._look_for_gap(tp, event.value)
        if tp in self._sending:
            if tp in self._open:
                self._open[tp].complete.set()
            await self._sending[tp]
        with self.watchdog.batch(_watched(self.name, tp)), _about(tp):
            try:
                for record in event.value:
                    await self._handle_alone(tp, record)
            except Exception as error:  # noqa: BLE001
                self.deaths.pause_all()
                leave(f"{self.name}: {type(error).__name__}: {error}")
        await self._handled(stream, tp, [event])

    async def _handle_alone(self, tp: TP, record: Any) -> None:
        if self.deaths.is_deadly(tp, record.offset):
            before = self.totals.begin(tp, record.offset)
            found = await self._refuse(tp, record, OF_DEADLY)
            self.totals.end(tp, record.offset + 1, before.plus(found))
            return
        self.deaths.begin(tp, record.offset, record.offset)
        one = _OpenRun(self._detector.begin(tp.topic, tp.partition))
        one.take([record])
        await self.handle(tp, one.run, one.taken, one.failed)
        self.deaths.end(tp)

    def _take(self, tp: TP, event: EventT) -> None:
        self._look_for_gap(tp, event.value)
        self._note_under_way(tp, event)
        open_ = self._open.get(tp)
        if open_ is None:
            open_ = self._open[tp] = _OpenRun(self._detector.begin(tp.topic, tp.partition))
            asyncio.get_running_loop().call_later(BEHIND_SECONDS_MAX, open_.complete.set)
        open_.take(event.value)
        open_.events.append(event)
        held = sum(len(other.events) for other in self._open.values())
        full = (
            open_.failed is not None
            or len(open_.events) == EVENTS_TOGETHER_MAX
            or held >= EVENTS_HELD_MAX
            or len(open_.run.fingerprints) >= FINGERPRINTS_TOGETHER_MAX
        )
        if full:
            open_.complete.set()
        elif self.app.consumer.read_to_the_end(tp):
            few = len(open_.taken) < HELD_RECORDS_MAX
            if few and self._recent.know(open_.run.fingerprints, time.monotonic()):
                left = open_.opened_at + self._hold_seconds - time.monotonic()
                asyncio.get_running_loop().call_later(max(0.0, left), open_.complete.set)
            else:
                open_.complete.set()

    async def _send_runs(self, stream: Any, tp: TP) -> None:
        """Send a partition's runs one after the other, until none is open."""
        while (open_ := self._open.get(tp)) is not None:
            await open_.complete.wait()
            del self._open[tp]
            self._told[tp] = open_
            with self.watchdog.batch(_watched(self.name, tp)), _about(tp):
                try:
                    with timed(self.name, len(open_.taken)):
                        await self.handle(tp, open_.run, open_.taken, open_.failed)
                except Exception as error:  # noqa: BLE001
                    # Bad records became dead letters one by one: this is a failure of Kafka.
                    self.deaths.pause_all()
                    leave(f"{self.name}: {type(error).__name__}: {error}")
            del self._told[tp]
            self.deaths.begin(tp, open_.taken[0].offset, open_.taken[-1].offset)
            self.deaths.end(tp)
            self._note_under_way(tp)
            await self._handled(stream, tp, open_.events)
        del self._sending[tp]

    async def _handled(self, stream: Any, tp: TP, events: list[EventT]) -> None:
        for event in events:
            await stream.ack(event)
        # In one go: a commit in between would have an offset without totals.
        for event in events:
            self.app.consumer.handled(event.message)
        self._handled_at[tp] = _time_of(events[-1].value[-1])
        if self.app.consumer.caught_up(tp):
            self._caught_up_at[tp] = time.monotonic()

    def _note_reached(self, tp: TP, detected: Detected) -> None:
        if detected.reached is not None:
            self._reached[tp] = detected.reached, time.time()

    def _note_under_way(self, tp: TP, event: EventT | None = None) -> None:
        """Note the records of a partition that are judged or sent, so that a death shows them."""
        runs = [run for run in (self._told.get(tp), self._open.get(tp)) if run is not None]
        offsets = [record.offset for run in runs for record in (run.taken[0], run.taken[-1])]
        if event is not None:
            offsets += [event.value[0].offset, event.value[-1].offset]
        if offsets:
            self.deaths.begin(tp, min(offsets), max(offsets))

    async def handle(
        self, tp: TP, run: Run, records: list[Any], failed: Exception | None = None
    ) -> None:
        """Send a run; returns once all is durable and the totals know the records.

        One that fails, as `failed` says already, is told in halves, and a record that fails is a
        dead letter.
        """
        before = self.totals.begin(tp, records[0].offset)
        origin = Origin(topic=tp.topic, partition=tp.partition, since=before.since)
        found: list[Tally] = []

        async def work(part: list[Any]) -> None:
            self.watchdog.alive(_watched(self.name, tp))
            if part is records:
                if failed is not None:
                    raise failed
                found.append(await self._send(origin, run.finish(), records))
            else:
                detected = self._detector.detect(tp.topic, tp.partition, part)
                # The lines of requests went out with the whole run.
                found.append(await self._send(origin, replace(detected, spans=[]), part))

        async def refuse(record: Any, failure: Failure) -> None:
            found.append(await self._refuse(tp, record, failure))

        await halved(self.name, records, work, refuse)
        self.totals.end(tp, records[-1].offset + 1, reduce(Tally.plus, found, before))
        self._unscored.handled(len(records), sum(tally.unscored for tally in found))

    async def _refuse(self, tp: TP, record: Any, failure: Failure) -> Tally:
        letter = await self.refuse(tp, record, failure)
        refused = Detected(records=1, dead_letters=[letter] if letter else [])
        return tally_of(refused, _time_of(record))

    async def _send(self, origin: Origin, detected: Detected, records: list[Any]) -> Tally:
        """Send one message per target partition, and wait until all are durable.

        Returns what became of the records.
        """
        origin = replace(origin, through=records[-1].offset)
        messages = [
            (partition, encode_signals([origin, *bodies]))
            for partition, bodies in detected.by_partition(self._signals_partitions).items()
        ]
        largest = max((len(value) for _, value in messages), default=0)
        if largest > self._message_bytes_max and len(records) > 1:
            # The signals of one run must come in one message, so this becomes several runs.
            parts = largest // self._message_bytes_max + 2
            found = Tally(since=origin.since)
            for part in _parted(records, parts):
                again = self._detector.detect(origin.topic, origin.partition, part)
                found = found.plus(await self._send(origin, again, part))
            return found
        outbox = Outbox(self.app)
        with self._traced(origin, detected, len(records)):
            for partition, value in messages:
                await outbox.send(SIGNALS, None, value, partition)
            await send_dead_letters(outbox, detected.dead_letters)
            await asyncio.gather(self._send_spans(detected.spans), outbox.settle())
        if self._recent.news(detected.signals, time.monotonic()):
            self.app.consumer.hurry()
        self._note_reached(TP(origin.topic, origin.partition), detected)
        metrics.spans_passed_by_total.inc(detected.passed_by)
        return tally_of(detected, _time_of(records[-1]))

    def _traced(
        self, origin: Origin, detected: Detected, records: int
    ) -> AbstractContextManager[Any]:
        """Begin a trace where something was found."""
        if not detected.signals:
            return nullcontext()
        causes = (
            (sample.trace_id, sample.span_id)
            for signal in detected.signals
            for sample in signal.samples
        )
        return consuming(self.name, origin.topic, origin.partition, records, causes)

    async def _send_spans(self, spans: list[tuple[int, bytes]]) -> None:
        outbox = Outbox(self.app)
        for partition, value in spans:
            await outbox.send(TRACES, None, value, partition)
        try:
            await outbox.settle()
        except TooLarge as error:
            # Traces are advisory: no record waits for its lines.
            metrics.spans_dropped_total.labels("too_large").inc(len(error.refused))
            log.warning("spans_too_large", messages=len(error.refused), bytes=error.size)

    def _look_for_gap(self, tp: TP, records: list[Any]) -> None:
        generation = self.app.consumer_generation_id
        if generation != self._generation:
            self._generation = generation
            self._next.clear()
            self._handled_at.clear()
            self._caught_up_at.clear()
            self._reached.clear()
        if self._gaps_fail:
            expected = self._next.get(tp, records[0].offset)
            last = records[-1].offset
            # After a recovery some records are read twice; that is no gap.
            if records[0].offset > expected or last - records[0].offset + 1 != len(records):
                place = f"{tp.topic}[{tp.partition}]"
                leave(f"the embedded broker dropped unread records of {place}", "missed")
            self._next[tp] = last + 1

    async def report_progress(self) -> None:
        """Report how far each owned partition is handled, until the app stops.

        The counters of alerts learn the arrival time, those who follow requests the event time.
        """
        while not self.app.should_stop:
            await asyncio.sleep(PROGRESS_EVERY_SECONDS)
            if self.app.rebalancing or self.app.in_recovery:
                continue
            bodies = self._progress()
            if bodies:
                value = encode_signals(bodies)
                for partition in range(self._signals_partitions):
                    await self.app.producer.send(SIGNALS, None, value, partition, None, None)
            await self._tell_positions()

    async def _tell_positions(self) -> None:
        partitions = self._detector.traces_partitions
        positions = self._positions(time.time()) if partitions else []
        if positions:
            value = encode_positions(positions)
            for partition in range(partitions):
                await self.app.producer.send(TRACES, None, value, partition, None, None)

    def _positions(self, now: float) -> list[Position]:
        consumer = self.app.consumer
        return [
            Position(
                tp.topic,
                tp.partition,
                consumer.topic_partitions(tp.topic) or 0,
                self._event_time(tp, now, caught_up=consumer.caught_up(tp)),
            )
            for tp in consumer.assignment()
            if tp.topic in self.topics
        ]

    def _event_time(self, tp: TP, now: float, *, caught_up: bool) -> float:
        """The event time up to which a partition is read; 0 if nothing of it is, and more waits."""
        reached, handled_at = self._reached.get(tp, (0.0, 0.0))
        if not caught_up:
            return reached
        since = now - handled_at
        return reached + since if since < IDLE_SECONDS else now

    def _progress(self) -> list[SignalBody]:
        consumer = self.app.consumer
        # Records of so late may wait for the next fetch.
        now = time.time() - self._hold_seconds
        bodies: list[SignalBody] = []
        for tp in consumer.assignment():
            if tp.topic not in self.topics:
                continue
            # A record may bear any timestamp, but nothing later than now has been handled.
            handled_at = min(now, self._handled_at.get(tp, 0.0))
            caught_up = consumer.caught_up(tp) or self._was_caught_up(tp)
            bodies.append(self.totals.origin(tp))
            bodies.append(
                Progress(
                    topic=tp.topic,
                    partition=tp.partition,
                    partitions=consumer.topic_partitions(tp.topic) or 0,
                    through=now if caught_up else handled_at,
                    caught_up=caught_up,
                )
            )
        return bodies

    def _was_caught_up(self, tp: TP) -> bool:
        """True if all was handled a moment ago, long after the report before was sent."""
        at = self._caught_up_at.get(tp, -math.inf)
        return time.monotonic() - at <= BEHIND_SECONDS_MAX

    @property
    def followed(self) -> float | None:
        """The smallest share of requests that any scope follows; None where none are followed."""
        return self._detector.followed

    @property
    def topics(self) -> frozenset[str]:
        """The input topics."""
        return self._detector.topics


def _about(tp: TP) -> AbstractContextManager[None]:
    return about(topic=tp.topic, partition=tp.partition)


def _time_of(record: Any) -> float:
    """The time that Kafka keeps for a record, in Unix seconds."""
    return float(record.timestamp) / 1000.0


def _watched(name: str, tp: TP) -> str:
    """The name of a partition's batch for the watchdog."""
    return f"{name} {tp.topic}[{tp.partition}]"


def _parted(records: list[Any], parts: int) -> list[list[Any]]:
    length = -(-len(records) // parts)
    return [records[start : start + length] for start in range(0, len(records), length)]
