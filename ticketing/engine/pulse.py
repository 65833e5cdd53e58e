"""The pulse of a process: says every few seconds, in ticketing-pulses, how the process is.

Nobody works by it: a pulse that can't be sent is not sent again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from ticketing.wire.pulses import Pulse, encode_pulse
from ticketing.wire.topics import PULSES

log = structlog.get_logger(__name__)

PULSE_EVERY_SECONDS = 5.0
"""A role is down after three that nobody heard (`ticketing.api.fleet`); each is some 200 bytes."""
LAST_SECONDS_MAX = 1.0
"""For the last pulse: a process that stops waits for nobody who only looks."""

Described = Callable[[Pulse], Pulse]
"""Adds what the process of a role knows beside its readiness."""


def undescribed(pulse: Pulse) -> Pulse:
    """The pulse of a role that has nothing to add."""
    return pulse


class PulseSender:
    """Sends the pulses of an app, from its first partitions until it stops."""

    def __init__(
        self,
        app: Any,
        role: str,
        ready: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._ready = ready
        self._base = Pulse(role, f"{os.getpid()}-{secrets.token_hex(4)}", started_at=clock())
        self._failed = False
        self._begun = False

    def attach(self) -> None:
        """Begin with the app's first partitions, as its tasks only run once tables are recovered."""
        self._app.on_partitions_assigned.connect(self._begin, weak=False)
        self._app.on_before_shutdown.connect(self._end, weak=False)

    async def send(self, *, ends: bool = False) -> None:
        """Send a pulse; a failure is logged once in a row."""
        try:
            await self._send(ends)
            self._failed = False
        except Exception as error:  # noqa: BLE001  (nobody works by a pulse)
            if not self._failed:
                log.warning("pulse_not_sent", why=f"{type(error).__name__}: {error}")
            self._failed = True

    async def _send(self, ends: bool) -> None:
        pulse = msgspec.structs.replace(self._base, ready=self._ready() and not ends, ends=ends)
        value = encode_pulse(self._app.described(pulse))
        key = pulse.role.encode()
        sent = await self._app.producer.send(PULSES, key, value, 0, None, None)
        await sent

    async def _begin(self, *_: Any, **__: Any) -> None:
        if not self._begun:
            self._begun = True
            self._app.add_future(self._run())

    async def _run(self) -> None:
        while not self._app.should_stop:
            await self.send()
            await self._app.sleep(PULSE_EVERY_SECONDS)

    async def _end(self, *_: Any, **__: Any) -> None:
        if self._begun:
            try:
                await asyncio.wait_for(self.send(ends=True), LAST_SECONDS_MAX)
            except asyncio.TimeoutError:
                log.debug("the last pulse was not taken in time")
