"""The path of a page, topic by topic: who has handled what up to when, told to the heartbeat.

Detection tells its own progress, as the quiet clock needs it; here are the topics behind it: those
of signals, incidents and platforms. All reports meet in one partition of the signals.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from faust.types import TP

from ticketing.domain.signals import Progress
from ticketing.wire.signals import encode_signals
from ticketing.wire.topics import SIGNALS

PARTITION = 0
"""Where the reports meet; its owner makes the calls of the heartbeat."""
REPORT_EVERY_SECONDS = 5.0


class PathReporter:
    """Reports, for the owned partitions of an app's topic, up to when all is handled."""

    def __init__(
        self,
        app: Any,
        topic: str,
        handled: Mapping[TP, tuple[int, float]],
        *,
        works: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`handled` has the last handled record of each partition: its offset and its time.

        Where `works` says no, nothing more counts as handled: a platform does not answer.
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
                value = encode_signals(list(reports))
                await self._app.producer.send(SIGNALS, None, value, PARTITION, None, None)

    def reports(self) -> list[Progress]:
        """One report per owned partition of the topic."""
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
