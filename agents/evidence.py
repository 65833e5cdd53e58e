"""The evidence agent: tallies of requests in, verdicts about the causes of a scope out. Advisory, in
memory.

A batch is acked on receipt: a crash loses the books of its scopes, which tallies of the next minutes
fill again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from faust.types import EventT

from ticketing import metrics
from ticketing.domain.events import Verdict
from ticketing.domain.evidence.books import Books
from ticketing.domain.incidents.intake import admitted
from ticketing.domain.scope import partition_of_scope
from ticketing.engine.agent import BatchAgent
from ticketing.engine.fence import Fence
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import BadRecord
from ticketing.wire.events import encode_events
from ticketing.wire.evidence import decode_part, unpack_rows
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.topics import EVENTS

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 1.0
"""Longest delay of a verdict that is due: little beside the ten seconds of a slot."""


class EvidenceAgent(BatchAgent):
    """Reads ticketing-evidence and sends verdicts to the incidents' writers."""

    name = "evidence"

    def __init__(
        self,
        app: Any,
        watchdog: Watchdog,
        fence: Fence,
        *,
        events_partitions: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(app, watchdog, fence)
        self._books = Books(unpack_rows)
        self._events_partitions = events_partitions
        self._clock = clock

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Take in a batch; count messages that can't be read."""
        for record in records:
            try:
                self._books.take(decode_part(record.value), self._clock())
            except UNREADABLE as error:
                # Written by this job, perhaps by another release: verdicts can do without it.
                metrics.evidence_dropped_total.labels("undecodable").inc()
                log.warning("undecodable_tally", why=str(error))
        await self.tell_due()

    async def tell(self) -> None:
        """Send due verdicts while no tallies arrive, until the app stops. A task beside the agent."""
        while not self.app.should_stop:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if not self.app.rebalancing:
                await self.tell_due()

    async def tell_due(self) -> None:
        """Send the verdicts that are due by now."""
        began = time.monotonic()
        verdicts = self._books.verdicts(self._clock())
        if verdicts:
            metrics.verdict_seconds.observe(time.monotonic() - began)
        for verdict in verdicts:
            await self._send(verdict)
        for reason, count in self._books.take_dropped().items():
            metrics.evidence_dropped_total.labels(reason).inc(count)

    async def _send(self, verdict: Verdict) -> None:
        try:
            body = admitted(verdict)
        except BadRecord as error:
            # A name that is none; what evidence says is advisory.
            metrics.evidence_dropped_total.labels("refused").inc()
            log.warning("verdict_left_out", why=str(error))
            return
        partition = partition_of_scope(body.scope, self._events_partitions)
        await self.app.producer.send(EVENTS, None, encode_events([body]), partition, None, None)
        metrics.verdicts_total.inc()
