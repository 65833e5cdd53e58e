"""Redis as companies run it: TLS with a user of few rights, and a master behind Sentinels."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.incidents import incident
from support.secured_redis import (
    MASTER,
    PASSWORD,
    SENTINEL_PASSWORD,
    SecuredRedis,
    WatchedRedis,
)
from support.view import complete
from support.waiting import until

from sinks.calls.limits import KEY_PREFIX, limits_for
from ticketing.config import Config
from ticketing.config.loading import validate
from ticketing.errors import Unavailable
from ticketing.llm.ledger import Ledger, open_redis
from ticketing.view.query import Query
from ticketing.view.store import open_store

pytestmark = pytest.mark.redis


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredRedis]:
    server = SecuredRedis(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    servers = WatchedRedis(tmp_path)
    yield servers
    servers.close()


def with_tls(server: SecuredRedis, **more: Any) -> Config:
    given = {"url": server.url, "caBundle": str(server.authority.bundle), **more}
    return validate({"redis": given})


def behind_sentinel(servers: WatchedRedis, **more: Any) -> Config:
    given = {
        "url": servers.url,
        "sentinelMaster": MASTER,
        "sentinelPassword": SENTINEL_PASSWORD,
        **more,
    }
    return validate({"redis": given})


async def use(config: Config) -> None:
    """Use Redis in each of the three ways that the agent does: view, limits, budget of models."""
    store = await complete(open_store(config))
    kept = incident()
    await store.write([(kept.id, kept)])
    assert [json.loads(one)["id"] for one in (await store.page(Query())).documents] == [kept.id]
    await store.close()

    limits = limits_for(config, "pagerduty")
    assert await limits.take("an account") == 0.0
    redis = open_redis(config)
    assert [key async for key in redis.scan_iter(match=f"{KEY_PREFIX}*")], "counted alone"
    await limits.disconnect()
    assert await limits.take("an account") == 0.0
    await limits.disconnect()

    ledger = Ledger(config.llm.budget, redis, config.redis.prefix)
    assert await ledger.reserve("tenant")
    await redis.aclose()


async def test_a_user_of_few_rights_over_tls_is_enough(secured: SecuredRedis) -> None:
    await use(with_tls(secured))


# Redis's client drops the transport of a connection that was refused without closing it.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("change", [{"caBundle": None}, {"url": "rediss://ticketing:no@{host}"}])
async def test_who_may_not_is_told_without_the_password(
    secured: SecuredRedis, change: dict[str, Any]
) -> None:
    host = secured.url.rpartition("@")[2]
    given = {key: value and value.format(host=host) for key, value in change.items()}
    store = open_store(with_tls(secured, **given))
    with pytest.raises(Unavailable, match="Redis does not answer") as raised:
        await store.is_complete()
    assert PASSWORD not in str(raised.value)
    await store.close()
    del store, raised
    gc.collect()


async def test_sentinels_name_the_master(watched: WatchedRedis) -> None:
    await use(behind_sentinel(watched))


async def test_a_new_master_is_found(watched: WatchedRedis) -> None:
    store = await complete(open_store(behind_sentinel(watched)))
    kept = incident()
    await store.write([(kept.id, kept)])
    watched.master.kill()

    async def written() -> bool:
        try:
            return bool(await store.write([(kept.id, kept)]))
        except Unavailable:
            return False

    await until(written, "the new master")
    assert [json.loads(one)["id"] for one in (await store.page(Query())).documents] == [kept.id]
    await store.close()
