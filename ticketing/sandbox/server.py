"""The sandbox as one aiohttp server: platforms, faults, recording and page."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from ticketing.sandbox import garbled
from ticketing.sandbox.control import Control
from ticketing.sandbox.faults import QUEUED_SECONDS, Fault, Mode, parse_fault
from ticketing.sandbox.platform import MALFORMED, Call, Handler, Refusal, StandIn
from ticketing.sandbox.platforms import PLATFORMS
from ticketing.sandbox.recording import Recorder
from ticketing.sandbox.tickets import TICKETS_MAX, Ticket, Tickets

BODY_BYTES_MAX = 8 * 1024 * 1024
"""Above the vendors' limits of a body, so that their own rules refuse first; bounds memory."""
SHUTDOWN_SECONDS_MAX = 1.0
"""Time for answers under way; hanging ones are cut off, so that tests and demos end soon."""


class State:
    """The state of one sandbox, in memory."""

    def __init__(
        self,
        record: Path | None = None,
        clock: Callable[[], float] = time.time,
        tickets_max: int = TICKETS_MAX,
    ) -> None:
        self.tickets = Tickets(clock, tickets_max)
        self.platforms: dict[str, StandIn] = {
            name: kind(self.tickets.of(name)) for name, kind in PLATFORMS.items()
        }
        self.tickets.forgotten = self._forget
        self.faults: dict[str, Fault] = {name: Fault() for name in self.platforms}
        secrets = frozenset().union(*(one.secret_fields for one in self.platforms.values()))
        self.recorder = Recorder(record, secrets) if record else None
        self.requests: dict[str, int] = dict.fromkeys(self.platforms, 0)
        self.closing = asyncio.Event()
        self._queued: list[tuple[float, Callable[[], object]]] = []

    def _forget(self, ticket: Ticket) -> None:
        self.platforms[ticket.platform].forget(ticket)

    def reset(self) -> None:
        """Forget every ticket; faults and the recording go on."""
        self.tickets.reset()
        self._queued = []
        for platform in self.platforms.values():
            platform.reset()

    def queue(self, seconds: float, act: Callable[[], object]) -> None:
        """Carry a request out once so many seconds have passed on the clock of the tickets."""
        self._queued.append((self.tickets.now() + seconds, act))

    def catch_up(self) -> None:
        """Carry out the queued requests that are due; called before anything is shown or asked."""
        now = self.tickets.now()
        due = [act for at, act in self._queued if at <= now]
        self._queued = [(at, act) for at, act in self._queued if at > now]
        for act in due:
            act()

    async def pause(self, seconds: float) -> None:
        """Wait, but at most until the sandbox stops."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self.closing.wait(), seconds)
            except asyncio.TimeoutError:
                return


def parse_body(raw: bytes, content_type: str) -> Any:
    """The body: JSON, a form as an object, or text. None if empty, MALFORMED if not as declared."""
    if not raw:
        return None
    try:
        if content_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(raw.decode(), keep_blank_values=True))
        if content_type.endswith("json"):
            return json.loads(raw)
        return raw.decode()
    except ValueError:
        return MALFORMED


async def _call(request: web.Request, platform: str) -> Call:
    prefix = f"/{platform}"
    raw = await request.read()
    return Call(
        method=request.method,
        path=request.path[len(prefix) :] or "/",
        raw_path=request.rel_url.raw_path[len(prefix) :] or "/",
        query=request.query,
        headers=request.headers,
        body=parse_body(raw, request.content_type),
        raw=raw,
        params=request.match_info,
        base_url=f"{request.scheme}://{request.host}{prefix}",
    )


def _answer(platform: StandIn, handler: Handler, call: Call) -> web.Response:
    try:
        return handler(call)
    except Refusal as rejected:
        return rejected.response


def _close(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _serve(
    state: State, platform: StandIn, handler: Handler, request: web.Request
) -> web.StreamResponse:
    try:
        call = await _call(request, platform.name)
    except web.HTTPRequestEntityTooLarge:
        return platform.error(None, 413, "Request Entity Too Large")
    state.catch_up()
    state.requests[platform.name] += 1
    fault = state.faults[platform.name]
    struck = fault.strikes(call.method, call.path)
    mode = fault.mode if struck else Mode.NONE
    if mode is Mode.NONE and platform.queues(call):
        mode = Mode.QUEUED
    if mode is Mode.DOWN:
        return _close(request)
    if mode is Mode.RATE_LIMIT:
        response = platform.rate_limited(call, fault.retry_after)
    elif mode is Mode.QUEUED:
        seconds = fault.seconds if struck else QUEUED_SECONDS
        state.queue(seconds, lambda: _answer(platform, handler, call))
        response = web.json_response({}, status=202)
    elif mode is Mode.SERVER_ERROR:
        if fault.after_accept:
            _answer(platform, handler, call)
        response = platform.error(call, fault.status, "injected by the sandbox")
    else:
        response = _answer(platform, handler, call)
    _record(state, platform, call, response.status)
    if platform.session_cookie:
        response.set_cookie(platform.session_cookie, "sandbox")
    if mode is Mode.MALFORMED:
        return platform.malformed(response)
    if mode is Mode.GARBLED:
        return await garbled.answer(request, response, fault.form)
    if mode in (Mode.LATENCY, Mode.TIMEOUT_AFTER_ACCEPT):
        await state.pause(fault.seconds)
    if mode is Mode.TIMEOUT_AFTER_ACCEPT:
        return _close(request)
    return response


def _record(state: State, platform: StandIn, call: Call, status: int) -> None:
    if state.recorder is None:
        return
    body = call.raw.decode(errors="replace") if call.body is MALFORMED else call.body
    query: MultiDict[str] = MultiDict(call.query)
    state.recorder.write(
        platform=platform.name,
        method=call.method,
        path=platform.masked_path(call.raw_path),
        query={name: _one_or_all(query.getall(name)) for name in query},
        body=body,
        status=status,
    )


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _mount(app: web.Application, state: State, platform: StandIn) -> None:
    def wired(handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await _serve(state, platform, handler, request)

        return serve

    for method, path, handler in platform.routes():
        app.router.add_route(method, f"/{platform.name}{path}", wired(handler))
    app.router.add_route(
        "*",
        f"/{platform.name}/{{rest:.*}}",
        wired(lambda call: platform.error(call, 404, "Not Found")),
    )


STATE = web.AppKey("STATE", State)


def create_app(
    record: Path | None = None,
    clock: Callable[[], float] = time.time,
    tickets_max: int = TICKETS_MAX,
) -> web.Application:
    """The sandbox as an application; its state is under `STATE`. Needs a running event loop."""
    state = State(record, clock, tickets_max)
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[STATE] = state
    Control(
        state.tickets,
        state.platforms,
        state.faults,
        state.requests,
        state.reset,
        state.catch_up,
    ).mount(app)
    for platform in state.platforms.values():
        _mount(app, state, platform)

    async def release(app: web.Application) -> None:
        state.closing.set()

    async def close_recording(app: web.Application) -> None:
        if state.recorder is not None:
            state.recorder.close()

    app.on_shutdown.append(release)
    app.on_cleanup.append(close_recording)
    return app


class Sandbox:
    """A running sandbox, whose port stays taken until `stop`."""

    def __init__(self, app: web.Application, runner: web.AppRunner, url: str) -> None:
        self.app = app
        self.url = url
        self._runner = runner
        self._state = app[STATE]

    def tickets(self, platform: str = "", correlation: str = "") -> list[dict[str, Any]]:
        """The tickets, oldest first, as `GET /_sandbox/tickets` shows them."""
        self._state.catch_up()
        return self._state.tickets.listed(platform, correlation)

    def ticket(self, platform: str, ticket_id: str) -> Ticket | None:
        """One ticket with the platform's record."""
        return self._state.tickets.get(platform, ticket_id)

    def requests(self, platform: str) -> int:
        """The number of requests to the platform since the start, refused ones included."""
        return self._state.requests[platform]

    def set_fault(self, platform: str, mode: str, **fields: Any) -> Fault:
        """Replace a platform's fault; raises BadFault. `mode="none"` ends it."""
        if platform not in self._state.faults:
            raise KeyError(platform)
        fault = parse_fault({"mode": mode, **fields})
        self._state.faults[platform] = fault
        return fault

    def set_behaviours(self, platform: str, **values: Any) -> None:
        """Switch behaviours of a platform; raises BadBehaviour."""
        self._state.platforms[platform].behaviours.set(values)

    def act(self, platform: str, ticket_id: str, action: str) -> None:
        """Do an action of a person on the platform: close, reopen, acknowledge or delete."""
        self.app[CONTROL].act(platform, ticket_id, action)

    def reset(self) -> None:
        """Forget every ticket."""
        self._state.reset()

    async def stop(self) -> None:
        """Close the port and every connection; hanging answers end."""
        await self._runner.cleanup()


CONTROL = Control.KEY


async def start(
    host: str = "127.0.0.1",
    port: int = 0,
    record: Path | None = None,
    clock: Callable[[], float] = time.time,
) -> Sandbox:
    """Serve on a loopback address; port 0 takes a free port. Raises OSError for a taken port."""
    app = create_app(record, clock)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS_MAX)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0]
    return Sandbox(app, runner, f"http://{host}:{bound[1]}")


async def serve(host: str, port: int, record: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; prints the address first."""
    sandbox = await start(host, port, record)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    print(f"sandbox on {sandbox.url}", flush=True)
    await stop.wait()
    await sandbox.stop()
