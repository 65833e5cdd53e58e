"""The view in Redis: made again from Kafka, and no concern of tickets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from support.apps import config_for
from support.fleet import Fleet
from support.incidents import id_of, numbered
from support.kafka import Kafka
from support.logs import anomalies, log, traffic
from support.redis import RedisServer
from support.shown_alerts import alert
from support.view import complete
from support.waiting import until, wait_for

from agents.view_rebuild import keep_complete
from ticketing.api.app import create_app
from ticketing.api.server import KafkaCommands
from ticketing.config import Config
from ticketing.kafka.runtime import Runtime
from ticketing.view.query import AlertQuery
from ticketing.view.store import ViewStore, open_store
from ticketing.wire.alerts import encode_alert
from ticketing.wire.dead_letters import encode_dead_letter
from ticketing.wire.topics import ALERTS, INCIDENTS

pytestmark = [pytest.mark.kafka, pytest.mark.redis]


def test_an_emptied_redis_is_filled_again_from_kafka(
    fleet: Fleet, own_redis: RedisServer, prefix: str
) -> None:
    fleet.configure(redis={"url": own_redis.url, "prefix": prefix})
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    lines = traffic(3_000)
    fleet.feed(lines)
    known = fleet.wait_counted(anomalies(lines))

    def shown() -> bool:
        found = {one["id"]: one["count"] for one in worker.incidents()}
        return found == {id: incident.count for id, incident in fleet.incidents().items()}

    wait_for(shown, "all incidents in the view")
    assert len(known) > 3

    # While it runs, and nothing new comes: every offset of the view is committed.
    with own_redis.client() as client:
        client.flushall()
    wait_for(shown, "the view after it was emptied under way")

    worker.stop("view")
    with own_redis.client() as client:
        client.flushall()
    worker.start("view")
    worker.wait_ready("view")
    wait_for(shown, "the view after a restart on an empty Redis")
    assert worker.log("view").count("view_rebuilt") >= 3


def test_a_view_in_memory_is_filled_again_at_each_start(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    fleet.feed([log(f"fault of the {name}") for name in ("disk", "network", "clock")])
    fleet.wait_counted(3)
    wait_for(lambda: len(worker.incidents()) == 3, "three incidents in the view")
    worker.restart("view")
    wait_for(lambda: len(worker.incidents()) == 3, "three incidents in the new view")


async def test_only_the_newest_state_of_each_incident_and_alert_survives_a_rebuild(
    broker: Kafka, redis_url: str, prefix: str, tmp_path: Path
) -> None:
    config = config_for(tmp_path, broker.address, redis={"url": redis_url, "prefix": prefix})
    broker.create(INCIDENTS, 2, cleanup_policy="compact")
    broker.create(ALERTS, 2, cleanup_policy="compact")
    for number in range(3):
        values = [encode_alert(alert(number, revision=revision)) for revision in (1, 2)]
        key = alert(number).fingerprint.encode()
        broker.produce(ALERTS, values, key=key, partition=number % 2)
    broker.produce(ALERTS, [None], key=alert(2).fingerprint.encode(), partition=0)
    for number in range(4):
        for revision in range(1, 4):
            value = encode_dead_letter(numbered(number, revision=revision))
            broker.produce(INCIDENTS, [value], key=id_of(number).encode(), partition=number % 2)
    broker.produce(INCIDENTS, [None], key=id_of(3).encode(), partition=1)
    broker.produce(INCIDENTS, [b"garbage"], key=b"foreign", partition=1)
    store = open_store(config)
    stop = False
    working = asyncio.create_task(keep_complete(Runtime.of(config), store, lambda: stop, 0.1))
    try:

        async def complete() -> bool:
            assert not working.done()
            return await store.is_complete()

        await until(complete, "the whole view")
        totals = await store.totals()
        assert totals["incidents"] == 3
        assert await store.revisions([id_of(0), id_of(2), id_of(3)]) == [3, 3, None]
        alerts = [json.loads(document) for document in (await store.page(AlertQuery())).documents]
        assert [(one["fingerprint"], one["revision"]) for one in alerts] == [
            (alert(1).fingerprint, 2),
            (alert(0).fingerprint, 2),
        ]
    finally:
        stop = True
        await working
        await store.close()


def test_redis_down_with_twelve_partitions_and_tickets_still_go_out(
    fleet: Fleet, own_redis: RedisServer
) -> None:
    fleet.configure(
        kafka={"partitions": 12},
        redis={"url": own_redis.url},
        storm={"maxPagesPerMinute": 0, "maxPagesPerScope": 0},
    )
    fleet.with_sandbox("pagerduty")
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view", "pagerduty")
    worker.wait_ready()
    own_redis.stop()
    services = [f"service-{number}" for number in range(60)]
    fleet.feed([log(service=service, level="FATAL") for service in services for _ in range(50)])
    fleet.wait_counted(3_000)
    tickets = fleet.wait_tickets(lambda found: len(found) >= 60, "sixty tickets")
    assert len(tickets) == 60
    assert len({ticket["correlation"] for ticket in tickets}) == 60
    own_redis.start()
    wait_for(lambda: len(worker.incidents()) == 60, "the view after Redis has come back")
    assert not any(process.exits for process in worker.roles.values())


async def test_while_a_lost_view_is_built_every_answer_is_503_and_then_all_is_there(
    own_redis: RedisServer, prefix: str, tmp_path: Path
) -> None:
    """Two processes of the API; a page of one goes on with the cursor of the other."""
    settings = {"redis": {"url": own_redis.url, "prefix": prefix}}
    config = config_for(tmp_path, "127.0.0.1:1", **settings)
    incidents = [(id_of(number), numbered(number)) for number in range(700)]
    async with _api(config) as (store, one), _api(config) as (_, other):
        await complete(store)
        await store.write(incidents)
        assert len(await _listed(one, "/api/incidents?limit=500")) == 500
        with own_redis.client() as client:
            client.flushall()
        await store.write(incidents[:3])
        rebuild = await store.begin_rebuild()
        assert rebuild is not None
        for path in ("?q=failed", f"/{id_of(1)}", f"/{id_of(1)}/alerts", f"/{id_of(1)}/similar"):
            for api in (one, other):
                answer = await api.get(f"/api/incidents{path}")
                assert (answer.status, "Retry-After" in answer.headers) == (503, True), path
                assert (await answer.json())["rebuilding"] is True
        sent = await one.post(f"/api/incidents/{id_of(1)}/resolve", json={})
        assert sent.status == 503
        await rebuild.write(incidents)
        await rebuild.finish()
        seen, path, turn = [], "/api/incidents?limit=90&q=failed", 0
        while path:
            api = (one, other)[turn % 2]
            answer = await api.get(path)
            seen += [shown["id"] for shown in await answer.json()]
            following = answer.links.get("next")
            path, turn = str(following["url"].relative()) if following else "", turn + 1
        assert seen == [id for id, _ in reversed(incidents)]


@asynccontextmanager
async def _api(config: Config) -> AsyncIterator[tuple[ViewStore, Any]]:
    """An API on a view of its own in the same Redis, without a broker."""
    store = open_store(config)
    client: Any = TestClient(
        TestServer(create_app(config, store, KafkaCommands(Runtime.of(config)), list))
    )
    try:
        await client.start_server()
        yield store, client
    finally:
        await client.close()
        await store.close()


async def _listed(api: Any, path: str) -> list[str]:
    answer = await api.get(path)
    return [shown["id"] for shown in await answer.json()]
