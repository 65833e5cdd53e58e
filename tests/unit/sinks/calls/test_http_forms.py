"""Forms, and what a platform can read of a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from sinks.calls.http import Http
from sinks.calls.outcome import Failed
from sinks.calls.transport import Network

SECRET = "a secret that is long enough"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A server that refuses everything and repeats what it was sent."""

    async def refuse(request: web.Request) -> web.Response:
        said = f"{request.content_type} {dict(await request.post())}"
        return web.Response(status=422, text=said)

    app = web.Application()
    app.router.add_post("/", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_refusal_keeps_its_answer_apart_from_its_words(url: str) -> None:
    http = Http(Network(timeout=5.0), secrets=[SECRET])
    with pytest.raises(Failed) as caught:
        await http.call("POST", url, form={"grant": "password", "password": SECRET})
    await http.close()
    failed = caught.value
    assert failed.status == 422
    assert failed.body.startswith(b"application/x-www-form-urlencoded")
    assert SECRET.encode() in failed.body
    assert SECRET not in str(failed)
    assert SECRET not in failed.outcome.detail
    assert "secret+that" not in getattr(failed.outcome, "request", "")
