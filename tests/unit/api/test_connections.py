"""Limits of connections, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import ClassVar

import pytest
from aiohttp import ClientSession, web
from aiohttp.client_exceptions import ClientConnectionError

from ticketing.api import connections
from ticketing.api.connections import Runner, connections_allowed

SOON_SECONDS = 30.0
HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
Start = Callable[..., Awaitable[int]]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.02)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Serve with at most so many connections; the port."""
    async with contextlib.AsyncExitStack() as stack:

        async def echo(request: web.Request) -> web.Response:
            return web.Response(body=await request.read())

        async def ignore(request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        async def stream(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"first\n")
            await release.wait()
            await response.write(b"last\n")
            return response

        async def much(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65536)

        release = asyncio.Event()

        async def done(_: web.Request) -> web.Response:
            release.set()
            return web.Response()

        async def start(connections_max: int = 100) -> int:
            app = web.Application()
            app.router.add_post("/echo", echo)
            app.router.add_post("/ignore", ignore)
            app.router.add_get("/stream", stream)
            app.router.add_get("/much", much)
            app.router.add_get("/release", done)
            runner = Runner(app, connections_max=connections_max, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return int(runner.addresses[0][1])

        yield start


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """Close every client, whichever way its test ends."""
    yield
    while Client.opened:
        writer = Client.opened.pop().writer
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class Client:
    """A connection that sends bytes as it is told."""

    opened: ClassVar[list[Client]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, sent: bytes = b"", address: str = "127.0.0.1") -> Client:
        opened = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        client = cls(*opened)
        cls.opened.append(client)
        client.writer.write(sent)
        await client.writer.drain()
        return client

    async def ended(self) -> bytes:
        """What came until the other side closed."""
        try:
            return await asyncio.wait_for(self.reader.read(), SOON_SECONDS)
        except ConnectionError:
            return b""

    async def status(self) -> int:
        line = await asyncio.wait_for(self.reader.readline(), SOON_SECONDS)
        return int(line.split()[1])


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, HEAD + b"X: " + b"y" * 999])
async def test_headers_that_do_not_end_close_the_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS_MAX", 0.1)
    client = await Client.open(await start(), sent)
    assert await client.ended() == b""


async def test_headers_of_a_second_request_have_a_deadline_and_idleness_has_none(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\nab"
    port = await start()
    idle = await Client.open(port, whole)
    assert await idle.status() == 200
    monkeypatch.setattr(connections, "HEAD_SECONDS_MAX", 0.1)
    second = await Client.open(port, whole)
    assert await second.status() == 200
    second.writer.write(HEAD)
    assert (await second.ended()).endswith(b"\r\n\r\nab")
    idle.writer.write(whole)
    assert b"ab" in await asyncio.wait_for(idle.reader.readuntil(b"\r\n\r\nab"), SOON_SECONDS)


@pytest.mark.parametrize("path", [b"/echo", b"/ignore"])
async def test_a_body_that_does_not_end_closes_the_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS_MAX", 0.1)
    sent = HEAD.replace(b"/echo", path) + b"Content-Length: 9\r\n\r\na"
    client = await Client.open(await start(), sent)
    assert await client.ended() == b""


async def test_an_answer_that_nobody_reads_closes_the_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS_MAX", 0.1)
    client = await Client.open(await start(), b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def gone() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                client.writer.write(b" ")
                await client.writer.drain()
                await asyncio.sleep(0.01)

    await asyncio.wait_for(gone(), SOON_SECONDS)


async def test_a_slow_body_and_a_quiet_stream_live(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS_MAX", 0.05)
    port = await start()
    slow = await Client.open(port, HEAD + b"Content-Length: 9\r\n\r\n")
    stream = await Client.open(port, b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(stream.reader.readuntil(b"first\n"), SOON_SECONDS)
    # Ten of these are through the deadline of headers, which counts neither.
    for _ in range(9):
        assert await (await Client.open(port, b"")).ended() == b""
        slow.writer.write(b"x")
    assert await slow.status() == 200
    await Client.open(port, b"GET /release HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(stream.reader.readuntil(b"last\n"), SOON_SECONDS)


async def test_the_oldest_without_a_request_makes_room(start: Start) -> None:
    port = await start(20)
    half = [await Client.open(port, HEAD) for _ in range(60)]
    url = f"http://127.0.0.1:{port}/echo"
    async with ClientSession() as session, session.post(url, data=b"here") as answer:
        assert await answer.read() == b"here"
    for client in half[:50]:
        assert await client.ended() == b""
    half[-1].writer.write(b"Content-Length: 2\r\n\r\nab")
    assert await half[-1].status() == 200


async def test_one_address_leaves_room_for_others(start: Start) -> None:
    port = await start(8)
    busy = HEAD.replace(b"/echo", b"/ignore") + b"Content-Length: 0\r\n\r\n"
    for _ in range(4):
        await Client.open(port, busy, "127.0.0.2")
    refused = await Client.open(port, busy, "127.0.0.2")
    assert await refused.ended() == b""
    other = await Client.open(port, HEAD + b"Content-Length: 0\r\n\r\n", "127.0.0.3")
    assert await other.status() == 200


@pytest.mark.parametrize("path", [b"POST /echo", b"POST /refuse", b"POST /ignore"])
async def test_a_body_that_does_not_end_makes_room(start: Start, path: bytes) -> None:
    port = await start(4)
    half = path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\na"
    owing = [await Client.open(port, half, f"127.0.0.{n}") for n in (2, 2, 3, 3)]
    if path == b"POST /refuse":
        for one in owing:
            assert await one.status() == 404
    url = f"http://127.0.0.1:{port}/release"
    async with ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200


async def test_busy_connections_are_never_closed_for_new_ones(start: Start) -> None:
    port = await start(4)
    busy = b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    streams = [await Client.open(port, busy, f"127.0.0.{n}") for n in (1, 1, 2, 2)]
    for one in streams:
        assert await one.status() == 200
    url = f"http://127.0.0.1:{port}/release"
    with pytest.raises(ClientConnectionError):
        async with ClientSession() as session, session.get(url):
            pass
    streams.pop(0).writer.close()

    async def released() -> None:
        async with ClientSession() as session:
            while True:
                with contextlib.suppress(ClientConnectionError):
                    await session.get(url)
                    return

    await asyncio.wait_for(released(), SOON_SECONDS)
    for one in streams:
        await asyncio.wait_for(one.reader.readuntil(b"last\n"), SOON_SECONDS)


def test_a_listener_takes_a_part_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, expected in {700: 175, 1_048_576: 512, 1: 1, -1: 512}.items():
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, now=limit: (now, now))
        assert connections_allowed() == expected
