"""The one HTTP client: room under the rate limit, and what a failure says of its request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from sinks.calls.http import Http
from sinks.calls.limits import Limits
from sinks.calls.outcome import Failed, Reason, Refused, RetryAfter, Unknown
from sinks.calls.transport import Network

SECRET = "s3cr3t-token-value"


class Server:
    """Answers as told to, and counts."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.ends = False
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.ends and request.transport is not None:
            request.transport.abort()
        return web.json_response({"ok": True}, status=self.status, headers=self.headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def failure(http: Http, *args: Any, **kwargs: Any) -> Any:
    try:
        with pytest.raises(Failed) as caught:
            await http.call(*args, **kwargs)
    finally:
        await http.close()
    return caught.value.outcome


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_what_was_not_answered_is_not_sent_again_behind_the_adapters_back(
    server: Server, method: str
) -> None:
    http = Http(Network(timeout=5.0))
    await http.call("GET", server.url)
    server.ends = True
    outcome = await failure(http, method, server.url)
    assert (type(outcome), outcome.reason) == (Unknown, Reason.CONNECTION_LOST)
    assert server.requests == 2


async def test_without_room_nothing_is_sent_and_the_wait_is_said(server: Server) -> None:
    http = Http(Network(timeout=5.0), limits=Limits("p", "1/hour"))
    await http.call("GET", server.url)
    outcome = await failure(http, "GET", server.url)
    assert isinstance(outcome, RetryAfter)
    assert outcome.reason is Reason.NO_ROOM
    assert outcome.seconds is not None
    assert outcome.seconds > 3500.0
    assert server.requests == 1


async def test_room_that_comes_soon_is_waited_for(server: Server) -> None:
    waits = [0.3, 0.3, 0.0]

    class Soon(Limits):
        async def take(self, account: str, *, yields: bool = False) -> float:
            return waits.pop(0)

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    http = Http(Network(timeout=5.0), limits=Soon("p", "1/hour"), sleep=sleep)
    await http.call("GET", server.url)
    await http.close()
    assert slept == [0.3, 0.3]


async def test_after_a_429_nothing_is_sent_before_its_reset(server: Server) -> None:
    server.status, server.headers = 429, {"X-RateLimit-Reset": "60"}
    http = Http(Network(timeout=5.0), limits=Limits("p", "1000/second"))
    for reason in (Reason.RATE_LIMITED, Reason.NO_ROOM):
        with pytest.raises(Failed) as caught:
            await http.call("GET", server.url, account="a")
        assert caught.value.outcome.reason is reason
    assert server.requests == 1
    server.status = 200
    await http.call("GET", server.url, account="b")
    await http.close()


async def test_an_answer_that_used_up_the_limit_closes_the_account(server: Server) -> None:
    server.headers = {"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "60"}
    http = Http(Network(timeout=5.0), limits=Limits("p", "1000/second"))
    await http.call("GET", server.url)
    outcome = await failure(http, "GET", server.url)
    assert outcome.reason is Reason.NO_ROOM


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (429, RetryAfter), (500, Unknown)])
async def test_a_failure_quotes_its_request_without_secrets(
    server: Server, status: int, kind: type
) -> None:
    server.status = status
    http = Http(Network(timeout=5.0), secrets=[SECRET])
    outcome = await failure(http, "POST", f"{server.url}/{SECRET}/x", body={"a": SECRET, "b": 1})
    assert isinstance(outcome, kind)
    assert outcome.request == f'POST {server.url}/****/x\n{{"a":"****","b":1}}'  # type: ignore[attr-defined]
