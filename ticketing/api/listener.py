"""The listener of a worker without the API: metrics, health and readiness.

The listener has a thread of its own, so that it answers from the start, even while Kafka can't be
reached and the Faust app has not started its tasks.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from types import TracebackType

from aiohttp import web

from ticketing.api.audit import audited
from ticketing.api.connections import Runner
from ticketing.api.door import Door, admission, keep_door
from ticketing.api.operations import status_routes
from ticketing.api.problems import problems
from ticketing.api.rules import add_routes
from ticketing.api.security import PREFIX, guard, safe_headers
from ticketing.api.services import STATUS, WorkerStatus
from ticketing.config import Config
from ticketing.errors import Misconfigured

log = logging.getLogger(__name__)

STOP_SECONDS_MAX = 3.0
"""As for the API's last answers (process.SHUTDOWN_SECONDS_MAX); a scrape takes milliseconds."""


def create_app(status: WorkerStatus, door: Door) -> web.Application:
    """The three routes at the root and under the API's prefix, guarded as in the API."""
    app = web.Application(middlewares=[safe_headers, audited, problems, guard, admission])
    app[STATUS] = status
    keep_door(app, door)
    add_routes(app, status_routes(), ("", PREFIX))
    return app


class Listener:
    """Listens on `metrics.host` and `metrics.port` from `start`, or within a `with` block."""

    def __init__(self, status: WorkerStatus, door: Door | None = None) -> None:
        """The door is by default one that knows no named tokens."""
        self._status = status
        self._door = door or Door(status.config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; raises Misconfigured for an unusable address or port."""
        bound = _bound(self._status.config)
        host, port = bound.getsockname()[:2]
        # Created before the thread starts, so that `stop` can always reach the loop.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=[self._loop, bound], name="metrics listener", daemon=True
        )
        self._thread.start()
        log.info("metrics, health and readiness are served on %s port %s", host, port)

    def stop(self) -> None:
        """Close the listener and wait until its thread has ended. Safe to repeat."""
        if self._thread is None or self._loop is None:
            return
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        # Time for the answers under way, and as much for closing.
        self._thread.join(STOP_SECONDS_MAX * 2)

    def __enter__(self) -> Listener:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, loop: asyncio.AbstractEventLoop, bound: socket.socket) -> None:
        try:
            loop.run_until_complete(self._serve(bound))
        finally:
            loop.close()

    async def _serve(self, bound: socket.socket) -> None:
        runner = Runner(create_app(self._status, self._door), shutdown_timeout=STOP_SECONDS_MAX)
        await runner.setup()
        try:
            await web.SockSite(runner, bound).start()
            await self._stopping.wait()
        finally:
            await runner.cleanup()


def _bound(config: Config) -> socket.socket:
    host, port = config.metrics.host.strip("[]"), config.metrics.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise Misconfigured(
            f"metrics.port: can't listen on {host} port {port} ({_reason(error)}); set"
            " metrics.port to a free one (0 takes any), metrics.host to an address of this"
            " machine, or metrics.enabled to false"
        ) from None


def _reason(error: OSError) -> str:
    """The system's message; create_server's own repeats the address."""
    unknown_host = isinstance(error, socket.gaierror)
    return str(error.strerror) if unknown_host else os.strerror(error.errno or 0)
