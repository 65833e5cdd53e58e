"""Progress reports for the heartbeat: up to when each topic on the path of a page is handled.

Covers the topics of events, incidents and platforms; the counter of alerts reports for the inputs and
the signals, by its quiet clock. All reports go to one partition of the events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from faust.types import TP

from ticketing.domain.signals import Progress
from ticketing.wire.events import encode_events
from ticketing.wire.topics import EVENTS

PARTITION = 0
"""The partition of all reports; its owner calls the heartbeat URL."""
REPORT_EVERY_SECONDS = 5.0
"""Well below the usual interval of the heartbeat; a few small messages per worker."""


class PathReporter:
    """Reports up to when the owned partitions of an app's topic are handled."""

    def __init__(
        self,
        app: Any,
        topic: str,
        handled: Mapping[TP, tuple[int, float]],
        *,
        works: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`handled` maps each partition to the offset and time of its last handled record.

        No reports are sent while `works` returns False, as when a platform does not answer.
        """
        self._app = app
        self._topic = topic
        self._handled = handled
        self._works = works
        self._clock = clock

    async def run(self) -> None:
        """Report until the app stops."""
        while not self._app.should_stop:
            await asyncio.sleep(REPORT_EVERY_SECONDS)
            if self._app.rebalancing or self._app.in_recovery or not self._works():
                continue
            reports = self.reports()
            if reports:
                value = encode_events(list(reports))
                await self._app.producer.send(EVENTS, None, value, PARTITION, None, None)

    def reports(self) -> list[Progress]:
        """A report for each owned partition of the topic."""
        consumer = self._app.consumer
        return [
            Progress(
                topic=tp.topic,
                partition=tp.partition,
                partitions=consumer.topic_partitions(tp.topic) or 0,
                through=self._through(tp),
            )
            for tp in sorted(consumer.assignment())
            if tp.topic == self._topic
        ]

    def _through(self, tp: TP) -> float:
        now = self._clock()
        if self._app.consumer.caught_up(tp):
            return now
        _, at = self._handled.get(tp, (-1, 0.0))
        return min(now, at)
