"""Every route answers as its description says, to whatever made-up request.

The API is whole: a real Redis, an embedded broker with tokens, audit and dead letters. The writer of
incidents alone is that of the unit tests, which applies commands by the domain's rules.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from support.access import Keys
from support.incident_writer import Writer
from support.shown_alerts import alert
from support.view import complete

from tests.unit.api.conftest import NOW, make_incident
from ticketing.api.app import create_app, routes
from ticketing.api.audit import KafkaAudit
from ticketing.api.balance import KafkaBalance
from ticketing.api.checks import ConnectionChecks
from ticketing.api.dead_letters import KafkaDeadLetters
from ticketing.api.openapi import document
from ticketing.api.parameters import INCIDENT_ID
from ticketing.api.settings import KafkaSettingsDesk
from ticketing.api.tokens import KafkaTokenDesk
from ticketing.config import Config
from ticketing.kafka.runtime import Runtime
from ticketing.view.store import open_store

pytestmark = pytest.mark.redis

CASES = 4
"""Of one route, beside those that cover its parameters: a minute for all of them."""
ENDLESS = {"/api/v1/events"}
"""A stream is no answer that ends; test_edges.py of the unit tests reads it."""
DOCUMENT = document(routes())
SCHEMA = schemathesis.openapi.from_dict(
    {
        **DOCUMENT,
        "paths": {path: DOCUMENT["paths"][path] for path in DOCUMENT["paths"].keys() - ENDLESS},
    }
)
BEYOND = (
    "positive_data_acceptance",
    "ignored_auth",
    "allow_header_conformance",
    "unsupported_method",
)
"""Rules between values, such as `from` before `to`, are beyond a schema. Who tries wrong tokens gets
429 here; test_rules.py of the unit tests asks each route without one. A path may match the parameter
of another route as well, such as `batch` an id, so that it has that one's methods too."""
KNOWN = [make_incident(number) for number in range(1, 5)]
"""The incidents that there are: an id that may be one's becomes that of one of these."""


class Served:
    """The API on a port of this machine, in a thread of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.url = ""
        self.key = Keys()
        self.headers = self.key.key("tester", "admin")

    def __enter__(self) -> Served:
        self._thread.start()
        self._ready.result(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._start())
        except BaseException as error:  # noqa: BLE001  (raised where the thread is waited for)
            self._loop.close()
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _start(self) -> None:
        runtime = Runtime.of(self._config)
        runtime.ensure_topics()
        self._store = open_store(self._config)
        writer = Writer(await complete(self._store), clock=lambda: NOW + 60)
        await writer.put(*KNOWN)
        await self._store.write_alerts([(alert().fingerprint, alert())])
        self._owned = [
            KafkaBalance(runtime),
            KafkaTokenDesk(runtime),
            ConnectionChecks(self._config),
        ]
        app = create_app(
            self._config,
            self._store,
            writer,
            list,
            self._owned[2],
            KafkaDeadLetters(runtime),
            balance=self._owned[0],
            door=self.key.door(),
            desk=self._owned[1],
            audit=KafkaAudit(runtime),
            settings=KafkaSettingsDesk(runtime),
        )
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        self._held = runtime

    async def _stop(self) -> None:
        await self._runner.cleanup()
        for one in self._owned:
            await one.close()
        await self._store.close()


@pytest.fixture(scope="module")
def served(redis_server: Any) -> Iterator[Served]:
    config = Config.model_validate(
        {
            "access": {"enforced": True},
            "kafka": {"brokers": "embedded"},
            "redis": {"url": redis_server.url, "prefix": "test-description"},
        }
    )
    with Served(config) as running:
        yield running


@SCHEMA.parametrize()
@settings(
    max_examples=CASES,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_a_route_answers_as_it_is_described(case: Any, served: Served) -> None:
    id = (case.path_parameters or {}).get("id")
    if isinstance(id, str) and INCIDENT_ID.fullmatch(id):
        case.path_parameters["id"] = KNOWN[int(id[-1], 16) % len(KNOWN)].id
    case.call_and_validate(
        base_url=served.url,
        headers=served.headers,
        excluded_checks=[CHECKS.get_one(name) for name in BEYOND],
        allow_redirects=False,
        timeout=30,
    )
