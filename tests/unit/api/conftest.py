"""An API on a fake Redis, with a writer of incidents that answers commands as the real one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import fakeredis
import pytest
from aiohttp.test_utils import TestClient, TestServer
from support.incident_writer import Writer
from support.incidents import numbered
from support.view import complete

from ticketing.api.app import create_app
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident
from ticketing.view.store import ViewStore

NOW = 1_900_000_000.0


def make_incident(number: int = 1, **fields: Any) -> Incident:
    return numbered(number, at=NOW, **fields)


class Api:
    """A running API and everything around it."""

    def __init__(self, client: Any, writer: Writer, redis: fakeredis.FakeServer) -> None:
        self.client = client
        self.writer = writer
        self.redis = redis
        self.put = writer.put

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.get(path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        async with self.client.post(path, json=body, **options) as answer:
            return answer.status, await answer.json(content_type=None)


Starter = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Starter]:
    clients: list[Any] = []

    async def starter(config: dict[str, Any] | None = None, **options: Any) -> Api:
        redis = fakeredis.FakeServer()
        store = ViewStore(
            fakeredis.FakeAsyncRedis(server=redis),
            "t",
            retention=Config().retention,
            clock=lambda: NOW,
        )
        writer = Writer(await complete(store), clock=lambda: NOW + 60)
        options.setdefault("readiness", list)
        options.setdefault("command_seconds_max", 0.3)
        app = create_app(Config.model_validate(config or {}), store, writer, **options)
        client: Any = TestClient(TestServer(app))
        clients.append(client)
        await client.start_server()
        return Api(client, writer, redis)

    yield starter
    for client in clients:
        await client.close()


@pytest.fixture
async def api(start: Starter) -> Api:
    found: Api = await start()
    return found
