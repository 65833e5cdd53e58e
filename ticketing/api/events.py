"""Server-sent events with changed incidents, for pages with a live list.

One task per process reads the view's log of changes while there are listeners, and passes each
change to every listener. A listener that falls behind gets a reset instead of holding up the
others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from ticketing.api.described import described, ok
from ticketing.api.door import DOOR, principal_of
from ticketing.api.problems import Problem, unavailable
from ticketing.api.security import HEADERS
from ticketing.api.services import SERVICES
from ticketing.api.shapes import shape
from ticketing.domain.access.principal import Kind, Principal
from ticketing.errors import Unavailable
from ticketing.view.query import read_listed
from ticketing.view.store import Changes, ViewStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""Changes seem immediate to a person; Redis gets four cheap reads a second per process."""
HEARTBEAT_SECONDS = 15.0
"""Well below the idle timeouts of common proxies (nginx: 60 s)."""
CHECK_SECONDS = 5.0
"""Between looks at a listener's credential: nothing is told for longer after it has ended."""
LISTENERS_MAX = 64
"""Open pages of the console: more than a team has, few enough for one process."""
LISTENER_SHARE = 2
"""One principal takes half of them at most, so that the others hear of their incidents; nobody can
tell people apart who share a name."""
WAITING_MAX = 32
"""Messages queued for one listener before a reset replaces them."""
CHANGES_MAX = 100
"""Incidents of one message; the rest of a storm follows without a pause."""
RETRY_MS = 2000
"""The browser's pause before it reconnects: brief for a person, bearable for a starting API."""

_SHARED_NAMES = (Kind.LOCAL, Kind.SHARED)
_RESET = b"event: reset\ndata: {}\n\n"


class Feed:
    """The feed of a view's changes to listeners."""

    def __init__(self, store: ViewStore) -> None:
        self._store = store
        self._listeners: dict[asyncio.Queue[bytes], Principal] = {}
        self._task: asyncio.Task[None] | None = None
        self.closing = asyncio.Event()

    def join(self, principal: Principal) -> asyncio.Queue[bytes]:
        """Add a listener; returns its queue of ready messages. Raises Problem above the limit."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise unavailable(f"All {LISTENERS_MAX} event streams are in use.")
        own = sum(one.name == principal.name for one in self._listeners.values())
        if principal.kind not in _SHARED_NAMES and own >= LISTENERS_MAX // LISTENER_SHARE:
            raise unavailable(f"{principal.name} has {own} event streams.")
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._listeners[queue] = principal
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        return queue

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        """Remove a listener by its queue."""
        self._listeners.pop(queue, None)

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
                self._tell(changes)
            build, seq = changes.build, changes.seq
            if len(changes.ids) < CHANGES_MAX:
                await asyncio.sleep(POLL_SECONDS)

    def _tell(self, changes: Changes) -> None:
        ready: dict[tuple[str, ...] | None, bytes | None] = {}
        for queue, principal in self._listeners.items():
            if principal.tenants not in ready:
                seen = seen_by(principal, changes)
                numbered = principal.tenants is None
                ready[principal.tenants] = None if seen is None else _message(seen, numbered)
            message = ready[principal.tenants]
            if message is not None:
                _put(queue, message)


def seen_by(principal: Principal, changes: Changes) -> Changes | None:
    """The changes of a principal's tenants; None without one.

    A removed incident leaves no trace of its tenant, so that a principal of some tenants starts over.
    """
    if principal.tenants is None or changes.reset:
        return changes
    if None in changes.documents:
        return replace(changes, reset=True)
    own = [
        (id, document)
        for id, document in zip(changes.ids, changes.documents, strict=True)
        if document is not None and _is_of(principal, document)
    ]
    if not own:
        return None
    ids, documents = zip(*own, strict=True)
    return replace(changes, ids=ids, documents=documents)


def _is_of(principal: Principal, document: bytes) -> bool:
    listed = read_listed(document)
    return listed is not None and principal.sees(listed.tenant_id)


def _put(queue: asyncio.Queue[bytes], message: bytes) -> None:
    """Queue a message; a reset replaces all where the listener has fallen behind."""
    if not queue.full():
        queue.put_nowait(message)
        return
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(_RESET)


FEED: web.AppKey[Feed] = web.AppKey("feed", Feed)


@described(ok("an endless stream", shape("text"), content_type="text/event-stream"))
async def events(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/events: server-sent events of changed incidents; `reset` to read the list again."""
    feed = request.config_dict[FEED]
    principal = principal_of(request)
    queue = feed.join(principal)
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
        await _pump(response, queue, feed.closing, partial(_is_still, request, principal))
    except ConnectionError:
        log.debug("a listener has gone")
    finally:
        feed.leave(queue)
    return response


async def _is_still(request: web.Request, principal: Principal) -> bool:
    """True while the credential of a request is as good as it was when the stream began."""
    try:
        return await request.config_dict[DOOR].principal(request) == principal
    except Unavailable:
        return True
    except Problem:
        return False


async def _pump(
    response: web.StreamResponse,
    queue: asyncio.Queue[bytes],
    closing: asyncio.Event,
    allowed: Callable[[], Awaitable[bool]],
) -> None:
    """Write messages and comments, until the server closes or the listener is no more allowed."""
    loop = asyncio.get_running_loop()
    checked_at = loop.time()
    closed = asyncio.ensure_future(closing.wait())
    try:
        while not closing.is_set():
            following = asyncio.ensure_future(queue.get())
            done, _ = await asyncio.wait(
                {following, closed},
                timeout=HEARTBEAT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if following not in done:
                following.cancel()
            if loop.time() - checked_at >= CHECK_SECONDS:
                if not await allowed():
                    return
                checked_at = loop.time()
            if following in done:
                await response.write(following.result())
            elif not done:
                await response.write(b": still here\n\n")
    finally:
        closed.cancel()


def _message(changes: Changes, numbered: bool) -> bytes:
    """The message; the number, which counts the changes of all tenants, only if it is to be shown."""
    if changes.reset:
        return _RESET
    removed = [id for id, doc in zip(changes.ids, changes.documents, strict=True) if doc is None]
    present = [document for document in changes.documents if document is not None]
    body = b'{"incidents":[%s],"removed":[%s]}' % (b",".join(present), _quoted(removed))
    number = b"id: %s-%d\n" % (changes.build.encode(), changes.seq) if numbered else b""
    return b"%sevent: incidents\ndata: %s\n\n" % (number, body)


def _quoted(ids: Sequence[str]) -> bytes:
    return b",".join(b'"' + id.encode() + b'"' for id in ids)


def feed_for(app: web.Application) -> None:
    """Add a feed to an application, and close the feed with the application."""
    feed = Feed(app[SERVICES].store)
    app[FEED] = feed

    async def close(_: web.Application) -> None:
        await feed.close()

    app.on_shutdown.append(close)
