"""The budget and the kept answers on a real Redis, and while it is away."""

from __future__ import annotations

import pytest
from support.redis import RedisServer

from ticketing.config import Config
from ticketing.llm.ledger import AWAY_SECONDS, Ledger, open_redis
from ticketing.llm.status import Board

pytestmark = pytest.mark.redis
NOON = 20_000 * 86_400 + 43_200.0


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def ledger(url: str, prefix: str, clock: Clock, calls: int = 3) -> Ledger:
    config = Config.model_validate(
        {
            "redis": {"url": url, "prefix": prefix, "timeout": "2s"},
            "llm": {"budget": {"callsPerDay": calls}},
        }
    )
    return Ledger(config.llm.budget, open_redis(config), prefix, clock=clock)


async def test_workers_share_a_budget_and_answers(redis_url: str, prefix: str) -> None:
    clock = Clock()
    one, two = ledger(redis_url, prefix, clock), ledger(redis_url, prefix, clock)
    assert [await one.reserve("a"), await two.reserve("a"), await one.reserve("a")] == [True] * 3
    assert not await two.reserve("a")
    await one.charge("b", 4.9)
    assert await two.reserve("b")
    await two.charge("b", 0.2)
    assert not await one.reserve("b")
    await one.keep("incident", 7, b"words")
    assert await two.answer("incident", 7) == b"words"
    keys = [key async for key in one._redis.scan_iter(f"{prefix}:*")]
    assert keys
    for key in keys:
        assert await one._redis.ttl(key) > 0
    for made in (one, two):
        await made.close()


async def test_a_redis_that_goes_and_comes_is_no_hindrance(
    own_redis: RedisServer, prefix: str
) -> None:
    clock = Clock()
    one = ledger(own_redis.url, prefix, clock, calls=100)
    assert await one.reserve("a")
    own_redis.stop()
    assert await one.reserve("a")
    await one.charge("a", 1.0)
    own_redis.start()
    clock.now += AWAY_SECONDS
    assert await one.reserve("a")
    await one.close()


async def test_numbers_are_posted_for_an_api_elsewhere(redis_url: str, prefix: str) -> None:
    config = Config.model_validate({"redis": {"url": redis_url, "prefix": prefix}})
    worker, api = open_redis(config), open_redis(config)
    await Board(worker, prefix).post("ticketing_llm_cost_usd_total 0.25\n")
    assert await Board(api, prefix).read() == ["ticketing_llm_cost_usd_total 0.25\n"]
    for client in (worker, api):
        await client.aclose()
