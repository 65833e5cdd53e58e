"""Limits of connections: deadlines for what a client sends and reads, and how many may be open.

aiohttp closes idle connections only. Clients that begin a request and never end it would hold
descriptors of the process until it can't reach Kafka or Redis any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import resource
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol

HEAD_SECONDS_MAX = 10.0
"""From the connection, or from the first byte of a further request, to the end of its headers: a
few kilobytes, over the slowest of links."""
BODY_SECONDS_MAX = 30.0
"""From the headers to the end of the body: 128 KiB at the rate of an old modem."""
UNREAD_SECONDS_MAX = 60.0
"""A client that takes none of its answer for so long is gone, or means to hold the connection."""
KEEP_ALIVE_SECONDS = 75.0
"""Longer than proxies keep an idle connection (nginx: 60 s), so that they close it first."""
CONNECTIONS_MAX = 512
"""Of a listener: far more than the streams of events, and few enough for one process."""
DESCRIPTORS_SHARE = 4
"""A listener takes a quarter of the descriptors at most: a process has two, beside its clients."""
ADDRESS_SHARE = 2
"""One address takes half of the connections at most; it may be a proxy with everybody behind."""
SWEEP_SECONDS = 1.0
"""Between two looks at all connections: a deadline is late by no more."""
IPV6_NETWORK_BITS = 64
"""One client has a network of this size (RFC 6177)."""


class Connection(web.RequestHandler):
    """A connection that knows since when its client owes something."""

    __slots__ = ("address", "body_since", "head_since", "unread_since")

    def __init__(self, manager: Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        self.address = ""
        self.head_since: float | None = loop.time()
        self.body_since: float | None = None
        self.unread_since: float | None = None

    @property
    def waits(self) -> bool:
        """True without a request in hand: idle, or its headers are incomplete."""
        if self.head_since is not None:
            return True
        return self._waiter is not None and not self._waiter.done()

    @property
    def owed_body(self) -> bool:
        """True while the body of the request in hand is incomplete, even if nobody reads it."""
        request = self._current_request
        return request is not None and not request.content.is_eof()

    @property
    def spare(self) -> bool:
        """True for a connection that may make room for another: its client owes something."""
        # Without a request in hand, a body that was refused is read to its end, for some seconds.
        idle = self._current_request is None and not self._messages
        return idle or self.waits or self.owed_body or self.unread_since is not None

    def overdue(self, now: float) -> bool:
        """True when a deadline has passed. `now` is the event loop's time."""
        if not self.owed_body:
            self.body_since = None
        elif self.body_since is None:
            self.body_since = now
        owed = (
            (self.head_since, HEAD_SECONDS_MAX),
            (self.body_since, BODY_SECONDS_MAX),
            (self.unread_since, UNREAD_SECONDS_MAX),
        )
        return any(since is not None and now - since > limit for since, limit in owed)

    def abort(self) -> None:
        """Close at once, without what is still to be sent."""
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection, if there is room for it."""
        self.address = _network(transport.get_extra_info("peername"))
        manager = self._manager
        if isinstance(manager, Server) and not manager.admit(self):
            # As little as can be: neither a task nor an answer.
            BaseProtocol.connection_made(self, transport)
            self.abort()
            return
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the connections that are counted."""
        if isinstance(self._manager, Server):
            self._manager.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note the beginning of a request's headers, and their end."""
        if self.head_since is None and self.waits:
            self.head_since = self._loop.time()
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self.head_since = None

    def pause_writing(self) -> None:
        """Note that the client leaves its answer unread."""
        super().pause_writing()
        self.unread_since = self._loop.time()

    def resume_writing(self) -> None:
        """Note that the client reads on."""
        super().resume_writing()
        self.unread_since = None


class Server(web.Server):
    """Makes a `Connection` of each that is accepted, and closes those that are overdue."""

    def __init__(self, handler: Any, *, connections_max: int, **options: Any) -> None:
        super().__init__(handler, **options)
        self.connections_max = connections_max
        self._open: dict[Connection, None] = {}
        """In the order in which they were accepted."""
        self._by_address: Counter[str] = Counter()
        self._sweeping: asyncio.Task[None] | None = None

    def __call__(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def start(self) -> None:
        """Begin to look after deadlines; within the event loop."""
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def shutdown(self, timeout: float | None = None) -> None:
        """End all connections, as the base class does."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        await super().shutdown(timeout)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, if need be in place of the oldest whose client owes something."""
        alone = self._by_address[connection.address]
        if alone >= max(1, self.connections_max // ADDRESS_SHARE):
            admitted = self._make_room(connection.address)
        else:
            admitted = len(self._open) < self.connections_max or self._make_room(None)
        if admitted:
            self._open[connection] = None
            self._by_address[connection.address] += 1
        return admitted

    def leave(self, connection: Connection) -> None:
        """Count a connection no more. Safe to repeat."""
        if connection not in self._open:
            return
        del self._open[connection]
        self._by_address[connection.address] -= 1
        if self._by_address[connection.address] <= 0:
            del self._by_address[connection.address]

    def _make_room(self, address: str | None) -> bool:
        for one in self._open:
            if one.spare and address in (None, one.address):
                self.leave(one)
                one.abort()
                return True
        return False

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self._loop.time()
            for connection in [one for one in self._open if one.overdue(now)]:
                self.leave(connection)
                connection.abort()


class Runner(web.AppRunner):
    """Runs an application behind these limits; `connections_max` only for tests."""

    __slots__ = ("_connections_max",)

    def __init__(
        self, app: web.Application, *, connections_max: int | None = None, **options: Any
    ) -> None:
        options = {"access_log": None, "keepalive_timeout": KEEP_ALIVE_SECONDS, **options}
        super().__init__(app, **options)
        self._connections_max = connections_max or connections_allowed()

    async def _make_server(self) -> Server:
        plain = await super()._make_server()
        server = Server(
            plain.request_handler,
            request_factory=plain.request_factory,
            connections_max=self._connections_max,
            **plain._kwargs,
        )
        server.start()
        return server


def connections_allowed() -> int:
    """The connections that a listener of this process may have, by its limit of descriptors."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(1, min(CONNECTIONS_MAX, descriptors // DESCRIPTORS_SHARE))


def _network(peer: object) -> str:
    """The address of a client, of IPv6 its network; the same for all clients of a Unix socket."""
    if not isinstance(peer, tuple):
        return ""
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(address)
