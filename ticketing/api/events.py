"""Server-sent events with changed incidents and the health, for pages with a live list.

One task per process reads the view's log of changes while there are listeners, and passes each
change to every listener. A listener that falls behind gets a reset instead of holding up the
others. One that comes back with `Last-Event-ID`, to whichever process, gets what it has missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from ticketing.api.described import described, ok
from ticketing.api.door import DOOR, principal_of
from ticketing.api.health import DESK, HealthDesk
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
LISTENERS_MAX = 192
"""Open pages of the console: several teams', within the connections of a listener (`connections`).
Who finds no place polls."""
LISTENER_SHARE = 2
"""One principal takes half of them at most, so that the others hear of their incidents; nobody can
tell people apart who share a name."""
WAITING_MAX = 32
"""Messages queued for one listener before a reset replaces them."""
CHANGES_MAX = 100
"""Incidents of one message; the rest of a storm follows without a pause."""
MISSED_MAX = 1_000
"""Changes that a listener is told when it comes back; reading the list again costs less than more."""
HEALTH_SECONDS = 2.0
"""Between looks at the health, which is told when it differs."""
PLACED_SECONDS_MAX = 5.0
"""The wait for the feed's first look at Redis, which answers within milliseconds or not at all."""
RESETS_SECONDS = 60.0
"""Listeners of some tenants start over at full minutes only, where it is not known whose incident
was removed: no other tenant's activity shows in the moment."""
SCOPES_MAX = 5_000
"""Scopes of which the tenants are remembered."""
POLLING_SECONDS = 10
"""Pause between the polls of somebody without a stream, and before trying for one again."""
RETRY_MS = 2000
"""The browser's pause before it reconnects: brief for a person, bearable for a starting API."""

_SHARED_NAMES = (Kind.LOCAL, Kind.SHARED)
_RESET = b"event: reset\ndata: {}\n\n"
_EVENT_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
Tenants = tuple[str, ...] | None


class Scopes:
    """The tenants of each scope, as documents have told them: a removed incident has only its id."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, set[str]] = OrderedDict()

    def note(self, id: str, tenant: str) -> None:
        """Note the tenant of an incident."""
        scope = _scope_of(id)
        self._tenants.setdefault(scope, set()).add(tenant)
        if len(self._tenants) > SCOPES_MAX:
            self._tenants.popitem(last=False)

    def is_of(self, principal: Principal, id: str) -> bool | None:
        """True if an incident was the principal's, False if another's, None if nobody knows."""
        tenants = self._tenants.get(_scope_of(id), set())
        sees = {principal.sees(tenant) for tenant in tenants}
        return sees.pop() if len(sees) == 1 else None


def _scope_of(id: str) -> str:
    return id.partition("-")[0]


class Feed:
    """The feed of a view's changes, and of the health, to listeners."""

    def __init__(
        self,
        store: ViewStore,
        health: HealthDesk,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._health = health
        self._clock = clock
        self._listeners: dict[asyncio.Queue[bytes], Principal] = {}
        self._task: asyncio.Task[None] | None = None
        self._placed = asyncio.Event()
        self._scopes = Scopes()
        self._owed: set[Tenants] = set()
        """Tenants whose listeners are to start over at the next full minute."""
        self._minute = clock() // RESETS_SECONDS
        self._told: dict[Tenants, dict[str, Any]] = {}
        """The health as it was told last."""
        self._looked_at = -math.inf
        self.closing = asyncio.Event()

    def join(self, principal: Principal) -> asyncio.Queue[bytes]:
        """Add a listener; returns its queue of ready messages. Raises Problem above the limit."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise _full(f"All {LISTENERS_MAX} event streams are in use.")
        own = sum(one.name == principal.name for one in self._listeners.values())
        if principal.kind not in _SHARED_NAMES and own >= LISTENERS_MAX // LISTENER_SHARE:
            raise _full(f"{principal.name} has {own} event streams.")
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._listeners[queue] = principal
        if self._task is None or self._task.done():
            self._placed = asyncio.Event()
            self._task = asyncio.create_task(self._read())
        return queue

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        """Remove a listener by its queue."""
        self._listeners.pop(queue, None)

    async def first(self, principal: Principal, last_event_id: str | None) -> list[bytes]:
        """The first messages of a listener that has joined: its place, what it missed, the health.

        Raises Unavailable.
        """
        try:
            # What changes from the feed's place on comes through the queue.
            await asyncio.wait_for(self._placed.wait(), PLACED_SECONDS_MAX)
        except asyncio.TimeoutError:
            raise Unavailable("Redis does not answer") from None
        now = await self._store.changes("", 0, 1)
        numbered = principal.tenants is None
        missed = await self._missed(principal, last_event_id, now) if numbered else None
        place = last_event_id if missed is not None else f"{now.build}-{now.seq}"
        found = [_position(place if numbered else None, resumed=missed is not None)]
        found += [_RESET] if missed is None else missed
        shown = await self._health.read(principal)
        self._told.setdefault(principal.tenants, _lasting(shown))
        return [*found, _health(shown)]

    async def _missed(
        self, principal: Principal, last_event_id: str | None, now: Changes
    ) -> list[bytes] | None:
        """Messages with the changes since an event; None if they can't be told one by one."""
        parsed = _EVENT_ID.fullmatch(last_event_id or "")
        if parsed is None or parsed[1] != now.build:
            return None
        seq, found, count = int(parsed[2]), [], 0
        if not 0 <= now.seq - seq <= MISSED_MAX:
            return None
        while seq < now.seq and count <= MISSED_MAX:
            changes = await self._store.changes(now.build, seq, CHANGES_MAX)
            if changes.reset:
                return None
            if not changes.ids:
                break
            found.append(_message(changes, numbered=principal.tenants is None))
            seq, count = changes.seq, count + len(changes.ids)
        return found

    async def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closing.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _read(self) -> None:
        """Read changes for as long as there are listeners."""
        build, seq, is_first = "", 0, True
        while self._listeners:
            await self._tell_health()
            try:
                changes = await self._store.changes(build, seq, CHANGES_MAX)
            except Unavailable:
                # Pages see the failure when they read the list; a reset follows when Redis is back.
                build, is_first = "", is_first and not self._placed.is_set()
                await asyncio.sleep(POLL_SECONDS * 4)
                continue
            if changes.ids or (changes.reset and not is_first):
                self._tell(changes)
            self._tell_owed()
            build, seq, is_first = changes.build, changes.seq, False
            self._placed.set()
            if len(changes.ids) < CHANGES_MAX:
                await asyncio.sleep(POLL_SECONDS)

    def _tell(self, changes: Changes) -> None:
        for id, document in zip(changes.ids, changes.documents, strict=True):
            listed = None if document is None else read_listed(document)
            if listed is not None:
                self._scopes.note(id, listed.tenant_id)
        ready: dict[Tenants, bytes | None] = {}
        for queue, principal in self._listeners.items():
            if principal.tenants not in ready:
                seen, is_certain = seen_by(principal, changes, self._scopes)
                if not is_certain:
                    self._owed.add(principal.tenants)
                numbered = principal.tenants is None
                ready[principal.tenants] = None if seen is None else _message(seen, numbered)
            message = ready[principal.tenants]
            if message is not None:
                _put(queue, message)

    def _tell_owed(self) -> None:
        minute = self._clock() // RESETS_SECONDS
        if minute == self._minute:
            return
        self._minute = minute
        owed, self._owed = self._owed, set()
        for queue, principal in self._listeners.items():
            if principal.tenants in owed:
                _put(queue, _RESET)

    async def _tell_health(self) -> None:
        """Tell those whose health differs from what they were told."""
        if self._clock() - self._looked_at < HEALTH_SECONDS:
            return
        self._looked_at = self._clock()
        principals = {one.tenants: one for one in self._listeners.values()}
        self._told = {
            tenants: told for tenants, told in self._told.items() if tenants in principals
        }
        news: dict[Tenants, bytes] = {}
        # A listener whose first messages are being made gets the health with them.
        for tenants, told in list(self._told.items()):
            shown = await self._health.read(principals[tenants])
            if _lasting(shown) != told:
                self._told[tenants], news[tenants] = _lasting(shown), _health(shown)
        for queue, principal in self._listeners.items():
            if principal.tenants in news:
                _put(queue, news[principal.tenants])


def seen_by(principal: Principal, changes: Changes, scopes: Scopes) -> tuple[Changes | None, bool]:
    """The changes of a principal's tenants, None without one; and whether these are surely all.

    They may not be where nobody knows whose a removed incident was.
    """
    if principal.tenants is None or changes.reset:
        return changes, True
    own: list[tuple[str, bytes | None]] = []
    is_certain = True
    for id, document in zip(changes.ids, changes.documents, strict=True):
        if document is not None:
            own += [(id, document)] if _is_of(principal, document) else []
            continue
        is_of = scopes.is_of(principal, id)
        own += [(id, None)] if is_of else []
        is_certain = is_certain and is_of is not None
    if not own:
        return None, is_certain
    ids, documents = zip(*own, strict=True)
    return replace(changes, ids=ids, documents=documents), is_certain


def _is_of(principal: Principal, document: bytes) -> bool:
    listed = read_listed(document)
    return listed is not None and principal.sees(listed.tenant_id)


def _full(why: str) -> Problem:
    return unavailable(
        f"{why} Poll GET /api/incidents and /api/v1/health meanwhile.", retry_after=POLLING_SECONDS
    )


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
    """GET /api/v1/events: server-sent events of changes, and `reset` where a client missed some."""
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
        beginning = await feed.first(principal, request.headers.get("Last-Event-ID"))
        await response.prepare(request)
        await response.write(b"retry: %d\n\n" % RETRY_MS + b"".join(beginning))
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


def _position(place: str | None, *, resumed: bool) -> bytes:
    """Where a stream stands; the place only to those who see all tenants, as it counts all changes."""
    number = "" if place is None else f"id: {place}\n"
    body = json.dumps({"position": place, "resumed": resumed})
    return f"{number}event: position\ndata: {body}\n\n".encode()


def _health(shown: Mapping[str, Any]) -> bytes:
    return b"event: health\ndata: %s\n\n" % json.dumps(shown).encode()


def _lasting(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The health without the time of the look, which alone is no news."""
    return {**shown, "at": None}


def _quoted(ids: Sequence[str]) -> bytes:
    return b",".join(b'"' + id.encode() + b'"' for id in ids)


def feed_for(app: web.Application) -> None:
    """Add a feed to an application, and close the feed with the application."""
    feed = Feed(app[SERVICES].store, app[DESK])
    app[FEED] = feed

    async def close(_: web.Application) -> None:
        await feed.close()

    app.on_shutdown.append(close)
