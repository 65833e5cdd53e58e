"""Spaces the fetches of a consumer, whose cost is per fetch: what is not urgent is read together.

A fetch is answered as soon as it finds one record. At a steady rate each would find a few, and the
process and the broker would do little but ask and answer. A consumer that has read all there was
therefore waits a moment before it asks again, and not at all once something urgent is on its way
to it. After a pause the question stands already, and the first record is read at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiokafka.structs import TopicPartition


class Pace:
    """At most one fetch of a broker within `seconds`, unless there is more to read or a hurry."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._asked_at: dict[int, float] = {}
        """The time of the last fetch of each broker."""
        self._hurried_at = float("-inf")
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def follow(self, fetcher: Any) -> None:
        """Space the fetches of aiokafka's fetcher, which has no setting for it.

        Called in the loop of the fetcher.
        """
        self._loop = asyncio.get_running_loop()
        ask = fetcher._proc_fetch_request

        async def spaced(assignment: Any, node: int, request: Any) -> Any:
            if self._seconds and not _has_more(assignment, request):
                try:
                    await self._wait(node)
                except asyncio.CancelledError:
                    # As aiokafka's own: it awaits what it has cancelled at its end.
                    return False
            self._asked_at[node] = self._clock()
            return await ask(assignment, node, request)

        fetcher._proc_fetch_request = spaced

    def hurry(self) -> None:
        """Let the next fetch begin at once. May be called from any thread."""
        self._hurried_at = self._clock()
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._woken.set)

    async def _wait(self, node: int) -> None:
        asked_at = self._asked_at.get(node, float("-inf"))
        while self._hurried_at <= asked_at:
            left = asked_at + self._seconds - self._clock()
            if left <= 0.0:
                return
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), left)
            except asyncio.TimeoutError:
                return


def _has_more(assignment: Any, request: Any) -> bool:
    """True if a fetch asks for records that the broker is known to have."""
    for topic, partitions in request.topics:
        for number, position, _ in partitions:
            end = assignment.state_value(TopicPartition(topic, number)).highwater
            if end is None or position < end:
                return True
    return False
