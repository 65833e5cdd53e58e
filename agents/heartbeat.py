"""The heartbeat: calls an outside dead-man's switch for as long as a page would get through.

The switch is called while every partition of every topic on a page's way was handled a short time
ago: inputs, signals, events, incidents, and the platforms that get critical incidents. An adapter whose
platform does not answer stops reporting. When the calls stop, the switch raises the alarm that this
job can't raise itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import structlog

from ticketing import metrics, outgoing
from ticketing.config import Config, reveal
from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress
from ticketing.wire.topics import EVENTS, INCIDENTS, SIGNALS, platform_topic

log = structlog.get_logger(__name__)

BEHIND_SECONDS_MAX = 60.0
"""Age of the slowest partition's progress from which on the path is broken: reports come every 5 to
10 s, so that a restart or a rebalance raises no alarm."""
CALL_SECONDS_MAX = 10.0
"""A slower switch is taken for one that can't be reached; by default the next call is due in 1 min."""

Call = Callable[[], Awaitable[bool]]


class Heartbeat:
    """Collects the reports of the path and makes the calls. `topics` are those that must report."""

    def __init__(
        self,
        topics: Iterable[str],
        call: Call,
        *,
        every: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = QuietClock(topics)
        self._call = call
        self._every = every
        self._clock = clock
        self._well: bool | None = None
        self._heard_at = 0.0

    def report(self, progress: Progress) -> None:
        """Take in a report of progress in any topic."""
        self._path.report(progress)
        self._heard_at = self._clock()

    async def run(self, app: Any) -> None:
        """Call until the app stops."""
        while not app.should_stop:
            await app.sleep(self._every)
            await self.beat()

    async def beat(self) -> None:
        """Call once if the path works; without any report the calls are another worker's task."""
        if self._clock() - self._heard_at > BEHIND_SECONDS_MAX:
            self._well = None
            return
        through = self._path.now()
        well = through is not None and self._clock() - through <= BEHIND_SECONDS_MAX
        if well is not self._well:
            log.info("heartbeat_goes_on") if well else log.warning("heartbeat_stays_away")
            self._well = well
        outcome = "withheld"
        if well:
            outcome = "called" if await self._call() else "failed"
        metrics.heartbeats_total.labels(outcome).inc()


def heartbeat_for(config: Config) -> Heartbeat | None:
    """The heartbeat as configured; None without `heartbeatUrl`."""
    if config.heartbeat_url is None:
        return None
    url = reveal(config.heartbeat_url)

    async def call() -> bool:
        return await _get(url)

    return Heartbeat(path_of(config), call, every=config.heartbeat_every)


def path_of(config: Config) -> list[str]:
    """The topics on the way of a page; the report for the signals covers the inputs."""
    paged = config.routes(Severity.CRITICAL) or config.enabled_platforms()
    return [SIGNALS, EVENTS, INCIDENTS, *(platform_topic(name) for name in paged)]


async def _get(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, **outgoing.options(url)) as answer,
        ):
            taken = 200 <= answer.status < 300
            why = f"HTTP {answer.status}"
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        # The error's text holds the address, which is a secret.
        taken, why = False, type(error).__name__
    if not taken:
        log.warning("heartbeat_failed", why=why)
    return taken
