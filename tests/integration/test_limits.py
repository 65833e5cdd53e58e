"""Rate limits in a real Redis."""

from __future__ import annotations

import time

import pytest
from support.redis import LocalRedis, RedisServer

from sinks.calls.limits import REDIS_SECONDS_MAX, Limits, limits_for
from ticketing.config import validate

pytestmark = pytest.mark.redis


def worker(url: str, rate: str = "3/hour") -> Limits:
    return limits_for(validate({"redis": {"url": url}, "slack": {"rateLimit": rate}}), "slack")


async def test_two_workers_have_one_limit(redis_url: str, prefix: str) -> None:
    one, other = worker(redis_url), worker(redis_url)
    taken = [await limits.take(prefix) for limits in (one, other, one)]
    assert taken == [0.0, 0.0, 0.0]
    for limits in (one, other):
        assert 3500.0 < await limits.take(prefix) <= 3600.0
    assert await one.take(f"{prefix}-other") == 0.0


async def test_a_redis_that_stops_or_hangs_keeps_no_page_waiting(own_redis: RedisServer) -> None:
    limits = worker(own_redis.url, "1000/second")
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
