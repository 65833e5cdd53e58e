"""The traces agent: lines of requests in, findings about incidents and tallies out. Advisory, in
memory.

A batch is acked on receipt: a crash loses the lines held, and no ticket waits for findings. Each of
several workers sees a part of the requests; the incident's writer keeps the findings that rest on
more of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

import structlog
from faust.types import EventT

from agents.span_packer import target_of
from ticketing import metrics
from ticketing.config import Config
from ticketing.domain.events import Correlation
from ticketing.domain.evidence.ledger import Ledger, Told
from ticketing.domain.intake import admitted
from ticketing.domain.scope import partition_of_scope
from ticketing.domain.traces.buffer import Part
from ticketing.domain.traces.correlator import Correlator, Report, Settings
from ticketing.domain.traces.watermark import plausible, reached
from ticketing.engine.agent import BatchAgent
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import TooLarge
from ticketing.engine.outbox import Outbox
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import BadRecord
from ticketing.wire.events import encode_events
from ticketing.wire.evidence import encode_tally
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import EVENTS, EVIDENCE, TRACES
from ticketing.wire.traces import (
    Position,
    Spans,
    decode_lines,
    decode_spans,
    event_time,
    source_of,
)

log = structlog.get_logger(__name__)

ADVANCE_EVERY_SECONDS = 0.25
"""Longest delay of a report that is due: little beside the 1.5 s to an outbreak's first one."""
PARTITIONS_MAX = 10_000
"""Partitions of one topic of the input that are waited for: far more than brokers like."""


def correlator_for(config: Config, *, tallies: bool = True) -> Correlator:
    """An empty correlator, bounded as configured; with `tallies` it has an empty ledger."""
    traces = config.traces
    settings = Settings(
        samples=traces.samples,
        spans_max=traces.spans_max,
        buffer_spans=traces.buffer_spans,
        keep=traces.keep,
        shared_by_max=traces.shared_by_max,
    )
    return Correlator(settings, decode_lines, Ledger() if tallies else None)


class TracesAgent(BatchAgent):
    """Reads ticketing-traces; sends findings to the incidents' writers and tallies to the books."""

    name = "traces"

    def __init__(
        self,
        app: Any,
        watchdog: Watchdog,
        fence: Fence,
        correlator: Correlator,
        *,
        partitions: int,
        message_bytes_max: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`partitions` are those of every topic of the job's own, `message_bytes_max` the broker's."""
        super().__init__(app, watchdog, fence)
        self._correlator = correlator
        self._partitions = partitions
        self._tally_bytes_max = message_bytes_max // 2
        self._worker = ""
        self._clock = clock
        self._next: dict[int, int] = {}
        self._generation = -1

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Take in a batch; count messages that can't be read or that the broker dropped."""
        self._look_for_gap(event.message.partition, records)
        for record in records:
            try:
                self._take(decode_spans(record.value), event.message.partition)
            except UNREADABLE as error:
                # Written by this job, perhaps by another release: requests can do without it.
                metrics.spans_dropped_total.labels("undecodable").inc()
                log.warning("undecodable_spans", why=str(error))
        await self.tell_due()

    async def tell(self) -> None:
        """Send due reports while no lines arrive, until the app stops. A task beside the agent."""
        while not self.app.should_stop:
            await asyncio.sleep(ADVANCE_EVERY_SECONDS)
            if not self.app.rebalancing:
                await self.tell_due()

    async def tell_due(self) -> None:
        """Send the findings and tallies that are due by now."""
        now = self._clock()
        await self._send(self._correlator.advance(now))
        for told in self._correlator.told(now):
            await self._send_tally(told, now)
        self._measure()

    def _take(self, spans: Spans, partition: int) -> None:
        now = self._clock()
        times = []
        for part in spans.parts:
            at = plausible(event_time(part.at), now)
            times.append(at)
            marks = {
                fingerprint: (service, plausible(seen_at, now), scope)
                for fingerprint, (service, seen_at, scope) in part.marks.items()
            }
            key = part.tenant, part.trace_id
            lines = Part(part.count, bytes(part.lines))
            self._correlator.take(key, lines, at, marks, now, part.scope, part.halved)
            metrics.spans_total.inc(part.count)
        if times:
            self._correlator.reached(_way(spans.source, partition), reached(times), now)
        self._take_positions(spans.positions, partition, now)

    def _take_positions(self, positions: list[Position], partition: int, now: float) -> None:
        for one in positions:
            at = -math.inf if one.at <= 0.0 else plausible(one.at, now)
            way = _way(source_of(one.topic, one.partition), partition)
            self._correlator.reached(way, at, now)
        for topic, partitions in {one.topic: one.partitions for one in positions}.items():
            for number in range(min(partitions, PARTITIONS_MAX)):
                self._correlator.expect(_way(source_of(topic, number), partition), now)

    async def _send(self, reports: list[Report]) -> None:
        for report in reports:
            body = Correlation(
                scope=report.scope, fingerprint=report.fingerprint, findings=report.findings
            )
            try:
                body = admitted(body)
                partition = partition_of_scope(report.scope, self._partitions)
            except (BadRecord, ValueError) as error:
                # A name or a scope that is none; what traces say is advisory.
                log.warning("findings_left_out", why=str(error))
                continue
            await self.app.producer.send(EVENTS, None, encode_events([body]), partition, None, None)

    async def _send_tally(self, told: Told, now: float) -> None:
        values = encode_tally(
            told.scope,
            self._worker,
            told.slot,
            int(now * 1000),
            told.tally,
            bytes_max=self._tally_bytes_max,
        )
        partition = partition_of_scope(told.scope, self._partitions)
        outbox = Outbox(self.app)
        try:
            for value in values:
                await outbox.send(EVIDENCE, None, value, partition)
                # Each alone, as together they may not fit into one record batch.
                await outbox.settle()
        except TooLarge as error:
            metrics.evidence_dropped_total.labels("too_large").inc(len(error.refused))
            log.warning("tally_too_large", messages=len(error.refused), bytes=error.size)
        else:
            metrics.tallies_total.inc()
        if told.tally.dropped:
            metrics.evidence_dropped_total.labels("calls").inc(told.tally.dropped)

    def _measure(self) -> None:
        for reason, count in self._correlator.take_untold().items():
            metrics.evidence_dropped_total.labels(reason).inc(count)
        for reason, count in self._correlator.take_dropped().items():
            metrics.spans_dropped_total.labels(reason).inc(count)

    def _look_for_gap(self, partition: int, records: list[Any]) -> None:
        """Count messages that the broker dropped unread; the number of their lines is not known."""
        if self.app.consumer_generation_id != self._generation:
            # Another worker may have read on meanwhile.
            self._generation = self.app.consumer_generation_id
            self._next.clear()
            mine = {tp.partition for tp in self.app.consumer.assignment() if tp.topic == TRACES}
            self._go_on_with(mine)
        expected = self._next.get(partition, records[0].offset)
        missing = records[-1].offset + 1 - expected - len(records)
        if missing > 0:
            metrics.spans_dropped_total.labels("lost_messages").inc(missing)
        self._next[partition] = records[-1].offset + 1

    def _go_on_with(self, mine: set[int]) -> None:
        """Forget what belongs to partitions of other workers: it would be told without its rest."""
        worker = _name_of(mine)
        if worker != self._worker:
            self._worker = worker
            self._correlator.keep_sources(_way("", one) for one in mine)
            self._correlator.forget(lambda key: target_of(key, self._partitions) not in mine)


def _name_of(partitions: set[int]) -> str:
    """A worker's name in tallies: the same for the next one of the same partitions, whose tallies
    take the place of its own."""
    text = ",".join(map(str, sorted(partitions)))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _way(source: str, partition: int) -> str:
    """A source in one partition: its messages keep their order within a partition only."""
    return f"{source}>{partition}"
