"""An API on a fake Redis, with a writer of incidents that answers commands as the real one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import fakeredis
import pytest
from aiohttp.test_utils import TestClient, TestServer
from support.configured import policy_with
from support.incidents import numbered

from ticketing.api.app import create_app
from ticketing.config import Config
from ticketing.domain.events import Command
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident
from ticketing.errors import Unavailable
from ticketing.view.store import ViewStore

NOW = 1_900_000_000.0


def make_incident(number: int = 1, **fields: Any) -> Incident:
    return numbered(number, at=NOW, **fields)


Answer = Callable[[Command], "Sequence[Incident | str]"]
"""The published incidents after a command; the id of one that is deleted."""


class Writer:
    """Applies commands by the domain's rules at once; can be told to be deaf or unreachable."""

    def __init__(self, store: ViewStore) -> None:
        self.store = store
        self.policy = policy_with(escalation_to=("payments-team",))
        self.incidents: dict[str, Incident] = {}
        self.received: list[Command] = []
        self.answers: dict[str, Answer] = {}
        """Of commands that change several incidents: what they publish, by the incident named."""
        self.deaf = False
        self.unreachable = False

    async def put(self, *incidents: Incident) -> None:
        for one in incidents:
            self.incidents[one.id] = one
        await self.store.write([(one.id, one) for one in incidents])

    async def send(self, command: Command) -> None:
        if self.unreachable:
            raise Unavailable("Kafka does not answer")
        self.received.append(command)
        if self.deaf:
            return
        answer = self.answers.get(command.incident_id)
        if answer is not None:
            for one in answer(command):
                if isinstance(one, str):
                    await self.store.write([(one, None)])
                else:
                    await self.put(one)
        else:
            before = self.incidents[command.incident_id]
            await self.put(commanded(before, command, NOW + 60, self.policy))


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
        writer = Writer(store)
        options.setdefault("readiness", list)
        options.setdefault("command_seconds_max", 0.3)
        options.setdefault("answer_seconds_max", 0.3)
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
