"""Server-sent events with changed incidents, for pages with a live list.

One task per process reads the view's log of changes while there are listeners, and passes each
change to every listener. A listener that falls behind gets a reset instead of holding up the
others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from aiohttp import web

from ticketing.api.problems import unavailable
from ticketing.api.security import HEADERS
from ticketing.api.services import SERVICES
from ticketing.errors import Unavailable
from ticketing.view.store import Changes, ViewStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""Changes seem immediate to a person; Redis gets four cheap reads a second per process."""
HEARTBEAT_SECONDS = 15.0
"""Well below the idle timeouts of common proxies (nginx: 60 s)."""
LISTENERS_MAX = 64
"""Open pages of the console: more than a team has, few enough for one process."""
WAITING_MAX = 32
"""Messages queued for one listener before a reset replaces them."""
CHANGES_MAX = 100
"""Incidents of one message; the rest of a storm follows without a pause."""
RETRY_MS = 2000
"""The browser's pause before it reconnects: brief for a person, bearable for a starting API."""

_RESET = b"event: reset\ndata: {}\n\n"


class Feed:
    """The feed of a view's changes to listeners."""

    def __init__(self, store: ViewStore) -> None:
        self._store = store
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._task: asyncio.Task[None] | None = None
        self.closing = asyncio.Event()

    def join(self) -> asyncio.Queue[bytes]:
        """Add a listener; returns its queue of ready messages. Raises Problem above the limit."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise unavailable(f"All {LISTENERS_MAX} event streams are in use.")
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        return queue

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        """Remove a listener by its queue."""
        self._listeners.discard(queue)

    async def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closing.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _read(self) -> None:
        """Read changes for as long as there are listeners."""
        build, seq = "", 0
        while self._listeners:
            try:
                changes = await self._store.changes(build, seq, CHANGES_MAX)
            except Unavailable:
                # Pages see the failure when they read the list; a reset follows when Redis is back.
                build = ""
                await asyncio.sleep(POLL_SECONDS * 4)
                continue
            if changes.reset or changes.ids:
                self._tell(_message(changes))
            build, seq = changes.build, changes.seq
            if len(changes.ids) < CHANGES_MAX:
                await asyncio.sleep(POLL_SECONDS)

    def _tell(self, message: bytes) -> None:
        for queue in self._listeners:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(_RESET)
            else:
                queue.put_nowait(message)


FEED: web.AppKey[Feed] = web.AppKey("feed", Feed)


async def events(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/events: `incidents` with changed incidents, `reset` to read the list again."""
    feed = request.config_dict[FEED]
    queue = feed.join()
    response = web.StreamResponse(
        headers={
            **HEADERS,
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            # nginx would buffer the events otherwise.
            "X-Accel-Buffering": "no",
        }
    )
    try:
        await response.prepare(request)
        await response.write(b"retry: %d\n\n" % RETRY_MS)
        await _pump(response, queue, feed.closing)
    except ConnectionError:
        log.debug("a listener has gone")
    finally:
        feed.leave(queue)
    return response


async def _pump(
    response: web.StreamResponse, queue: asyncio.Queue[bytes], closing: asyncio.Event
) -> None:
    closed = asyncio.ensure_future(closing.wait())
    try:
        while not closing.is_set():
            following = asyncio.ensure_future(queue.get())
            done, _ = await asyncio.wait(
                {following, closed},
                timeout=HEARTBEAT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if following in done:
                await response.write(following.result())
                continue
            following.cancel()
            if not done:
                await response.write(b": still here\n\n")
    finally:
        closed.cancel()


def _message(changes: Changes) -> bytes:
    if changes.reset:
        return _RESET
    removed = [id for id, doc in zip(changes.ids, changes.documents, strict=True) if doc is None]
    present = [document for document in changes.documents if document is not None]
    body = b'{"incidents":[%s],"removed":[%s]}' % (b",".join(present), _quoted(removed))
    return b"id: %s-%d\nevent: incidents\ndata: %s\n\n" % (
        changes.build.encode(),
        changes.seq,
        body,
    )


def _quoted(ids: Sequence[str]) -> bytes:
    return b",".join(b'"' + id.encode() + b'"' for id in ids)


def feed_for(app: web.Application) -> None:
    """Add a feed to an application, and close the feed with the application."""
    feed = Feed(app[SERVICES].store)
    app[FEED] = feed

    async def close(_: web.Application) -> None:
        await feed.close()

    app.on_shutdown.append(close)
