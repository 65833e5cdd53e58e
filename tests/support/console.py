"""The console with its API in this process, on a view in a real Redis that the test fills."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web
from support.incident_writer import Writer
from support.requirements import free_port
from support.view import complete

from ticketing.api.app import create_app
from ticketing.api.connections import Runner
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident
from ticketing.view.store import ViewStore, open_store

T = TypeVar("T")
SECONDS_MAX = 60.0
SHUTDOWN_SECONDS_MAX = 0.5
"""Streams of events end at once; nothing else is under way for long."""


class Console:
    """A server in a thread of its own. Commands are answered by `writer`, as the real one does."""

    def __init__(self, redis_url: str, prefix: str, **settings: Any) -> None:
        """`settings` are the configuration's, in camelCase; `options` of the app may replace parts."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        web_settings = {"port": self.port, **settings.pop("web", {})}
        self.config = Config.model_validate(
            {"redis": {"url": redis_url, "prefix": prefix}, "web": web_settings, **settings}
        )
        self.options: dict[str, Any] = {}
        self.store: ViewStore = open_store(self.config)
        self.writer = Writer(self.store, time.time)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="console", daemon=True)
        self._thread.start()
        self._runner: Runner | None = None
        self._following: asyncio.Task[None] | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS_MAX)

    def start(self) -> None:
        """Listen; the address stays the same over restarts."""
        self.run(self._start())

    def stop(self) -> None:
        """Stop listening, and end every connection: the API is away."""
        self.run(self._stop())

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS_MAX)
        self._loop.close()

    def put(self, *incidents: Incident) -> None:
        """Publish incidents: into the view, and as the writer's own state."""
        self.run(self.writer.put(*incidents))

    def empty(self) -> None:
        """Take every incident out of the view, and complete the view."""
        self.run(self._empty())

    def lose(self) -> None:
        """Lose the view, as a Redis that begins anew has lost it."""
        self.run(self._lose())

    async def _lose(self) -> None:
        keys = [key async for key in self.store.redis.scan_iter(f"{self.store.prefix}:*")]
        await self.store.redis.delete(*keys)

    async def _empty(self) -> None:
        self.writer.incidents.clear()
        await complete(self.store)

    async def _start(self) -> None:
        options = {"readiness": list, **self.options}
        app = create_app(self.config, self.store, self.writer, **options)
        self._runner = Runner(app, shutdown_timeout=SHUTDOWN_SECONDS_MAX)
        await self._runner.setup()
        if self._following is None:
            self._following = asyncio.create_task(self.store.follow())
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _close(self) -> None:
        await self.store.close()
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
