"""Answers that mean harm: packed into little, without an end, or no text at all."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from pydantic import SecretStr

from sinks.calls.outcome import Failed, Unknown
from sinks.calls.transport import REPLY_BYTES_MAX, Network
from ticketing.access.oidc import Provider
from ticketing.config import Config
from ticketing.config.access import Oidc
from ticketing.errors import Unavailable
from ticketing.llm.models import Models, NoAnswer

UNPACKED_BYTES = 256 * 1024 * 1024
MEMORY_BYTES_MAX = 128 * 1024 * 1024
"""Half of what the answer unfolds into; a bounded reading takes a few megabytes."""
DEEP = b"[" * 200_000
HEADERS = {"Content-Type": "application/json"}


def packed() -> web.Response:
    body = gzip.compress(bytes(UNPACKED_BYTES), 1)
    return web.Response(body=body, headers={**HEADERS, "Content-Encoding": "gzip"})


ANSWERS: dict[str, Callable[[], web.Response]] = {
    "packed": packed,
    "long": lambda: web.Response(body=bytes(REPLY_BYTES_MAX * 2), headers=HEADERS),
    "deep": lambda: web.Response(body=DEEP, headers=HEADERS),
    "no text": lambda: web.Response(body=b"\xff\xfe{", headers=HEADERS),
    "no object": lambda: web.Response(body=json.dumps([1]).encode(), headers=HEADERS),
}
Serve = Callable[[str], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.ServerRunner] = []

    async def serve(name: str) -> str:
        answer = ANSWERS[name]()

        async def handle(_: web.BaseRequest) -> web.Response:
            # A response is sent once.
            return web.Response(body=answer.body, headers=answer.headers.copy())

        runner = web.ServerRunner(web.Server(handle))
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def ask(url: str) -> None:
    section = {"provider": "openai", "model": "gpt-4", "apiKey": "k", "endpoint": url}
    models = Models(Config.model_validate({"llm": section}).llm)
    with pytest.raises(NoAnswer):
        await models.ask(({"role": "user", "content": "x"},), lambda text: text)


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_answer_of_a_model_takes_the_process_along(serve: Serve, name: str) -> None:
    # The first question takes what the clients themselves need.
    await ask(await serve("no object"))
    before = memory_bytes()
    await ask(await serve(name))
    assert memory_bytes() - before < MEMORY_BYTES_MAX


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_answer_of_a_sign_in_provider_takes_the_process_along(
    serve: Serve, name: str
) -> None:
    oidc = Oidc(issuer=await serve(name), client_id="t", client_secret=SecretStr("s"))
    before = memory_bytes()
    with pytest.raises(Unavailable):
        await Provider(oidc, "https://tickets.example/callback").sign_in_url("s", "n", "v")
    assert memory_bytes() - before < MEMORY_BYTES_MAX


@pytest.mark.parametrize("name", ["packed", "long"])
async def test_an_answer_of_a_platform_that_is_too_long_is_an_unknown_outcome(
    serve: Serve, name: str
) -> None:
    network = Network(timeout=30)
    before = memory_bytes()
    with pytest.raises(Failed) as failed:
        await network.exchange("GET", await serve(name), payload=None, headers={}, params=None)
    await network.close()
    assert isinstance(failed.value.outcome, Unknown)
    assert memory_bytes() - before < MEMORY_BYTES_MAX
