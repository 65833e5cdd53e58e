"""The demo's page is its own, or the demo says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ticketing.config.model import Config
from ticketing.demo.run import Demo, DemoFailed
from ticketing.kafka.runtime import Runtime

OWN = Path("/tmp/a-demo/data")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def judged(session: aiohttp.ClientSession, answer: Any) -> None:
    """Ask a program at the demo's address that answers every request like this."""

    async def handle(_: web.Request) -> web.Response:
        return answer()  # type: ignore[no-any-return]

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        api = f"http://127.0.0.1:{server.port}"
        runtime = Runtime(Config(data_dir=OWN), "127.0.0.1:1", embedded=True)
        unused: Any = None
        await Demo(runtime, unused, unused, api, OWN, session).wait_ready()


async def test_the_demos_own_page_is_taken(session: aiohttp.ClientSession) -> None:
    await judged(session, lambda: web.json_response({"dataDir": str(OWN)}))


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.json_response({"dataDir": "/tmp/another-demo/data"}),
        lambda: web.json_response([]),
        lambda: web.Response(text="a page"),
    ],
    ids=["another demo", "another API", "another page"],
)
async def test_a_page_of_another_program_is_refused(
    session: aiohttp.ClientSession, answer: Any
) -> None:
    with pytest.raises(DemoFailed, match="another program answers at http"):
        await judged(session, answer)
