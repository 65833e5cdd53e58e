"""Rate limits in a real Redis."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.redis import LocalRedis, RedisServer
from support.waiting import wait_for

from sinks.calls.http import Http
from sinks.calls.limits import REDIS_SECONDS_MAX, Limits, limits_for
from sinks.calls.transport import Network
from ticketing.config import validate

pytestmark = pytest.mark.redis


@asynccontextmanager
async def worker(url: str, rate: str = "3/hour") -> AsyncIterator[Limits]:
    config = validate({"redis": {"url": url}, "slack": {"rateLimit": rate}})
    limits = limits_for(config, "slack")
    yield limits
    await limits.disconnect()


async def test_two_workers_have_one_limit(redis_url: str, prefix: str) -> None:
    async with worker(redis_url) as one, worker(redis_url) as other:
        taken = [await limits.take(prefix) for limits in (one, other, one)]
        assert taken == [0.0, 0.0, 0.0]
        for limits in (one, other):
            assert 3500.0 < await limits.take(prefix) <= 3600.0
        assert await one.take(f"{prefix}-other") == 0.0


async def test_a_redis_that_stops_or_hangs_keeps_no_page_waiting(own_redis: RedisServer) -> None:
    async with worker(own_redis.url, "1000/second") as limits:
        assert await limits.take("a") == 0.0
        if isinstance(own_redis, LocalRedis):
            own_redis.pause()
        else:
            own_redis.stop()
        before = time.monotonic()
        for _ in range(20):
            assert await limits.take("a") == 0.0
        # Once, not twenty times: a generous bound for a busy machine.
        assert time.monotonic() - before < 20 * REDIS_SECONDS_MAX


async def test_a_closed_platform_has_no_connection_to_redis(own_redis: RedisServer) -> None:
    async with worker(own_redis.url) as limits:
        http = Http(Network(timeout=5.0), limits=limits)
        assert await limits.take("a") == 0.0
        with own_redis.client() as client:
            assert client.info("clients")["connected_clients"] == 2
            await http.close()
            wait_for(lambda: client.info("clients")["connected_clients"] == 1, "its end", 10.0)
