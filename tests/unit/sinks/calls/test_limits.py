"""Rate limits per account, and what becomes of them when Redis does not answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage, Storage
from redis.exceptions import ConnectionError as RedisGone
from support.life import Clock

from sinks.calls.limits import ALONE_SECONDS, Limits, limits_for
from ticketing.config import validate


async def test_an_account_has_as_much_room_as_the_rate_says() -> None:
    limits = Limits("slack", "2/hour")
    assert [await limits.take("a") for _ in range(2)] == [0.0, 0.0]
    assert 3500.0 < await limits.take("a") <= 3600.0
    assert await limits.take("b") == 0.0, "another account has its own"


async def test_a_request_that_yields_leaves_half_of_the_room_to_others() -> None:
    limits = Limits("slack", "4/hour")
    assert [await limits.take("a", yields=True) for _ in range(2)] == [0.0, 0.0]
    assert await limits.take("a", yields=True) > 0
    assert [await limits.take("a") for _ in range(2)] == [0.0, 0.0]
    assert await limits.take("a") > 0


async def test_workers_share_the_room() -> None:
    storage = MemoryStorage()
    one, other = (Limits("slack", "2/hour", lambda: storage) for _ in range(2))
    assert await one.take("a") == 0.0
    assert await other.take("a") == 0.0
    assert await one.take("a") > 0
    assert await other.take("a") > 0


async def test_an_account_that_the_platform_closed_stays_closed_for_so_long() -> None:
    clock = Clock()
    limits = Limits("slack", "100/second", clock=clock)
    limits.close("a", 30.0)
    limits.close("a", 10.0)
    assert await limits.take("a") == 30.0
    assert await limits.take("b") == 0.0
    clock.now += 30.0
    assert await limits.take("a") == 0.0


class Broken(MemoryStorage):
    """A Redis that fails, or does not answer, as often as it is told to."""

    def __init__(self, failure: BaseException | None) -> None:
        super().__init__()
        self.failure = failure
        self.asked = 0

    async def acquire_entry(self, *args: Any, **kwargs: Any) -> bool:
        self.asked += 1
        if self.failure is None:
            await asyncio.Event().wait()
        assert self.failure is not None
        raise self.failure


@pytest.mark.parametrize("failure", [RedisGone("gone"), OSError(), None])
async def test_without_redis_a_worker_counts_by_itself_for_a_while(
    failure: BaseException | None,
) -> None:
    clock, storage = Clock(), Broken(failure)

    def made() -> Storage:
        return storage

    limits = Limits("slack", "1/hour", made, clock=clock)
    assert await limits.take("a") == 0.0
    assert await limits.take("a") > 0
    assert storage.asked == 1, "it is left alone"
    clock.now += ALONE_SECONDS
    await limits.take("a")
    assert storage.asked == 2


async def test_with_an_embedded_redis_nothing_is_shared() -> None:
    limits = limits_for(validate({"zammad": {"rateLimit": "1/minute"}}), "zammad")
    assert await limits.take("") == 0.0
    assert await limits.take("") > 0


async def test_a_redis_that_is_not_there_does_not_keep_a_page_waiting() -> None:
    config = validate({"redis": {"url": "redis://127.0.0.1:1/0"}})
    assert await limits_for(config, "slack").take("a") == 0.0
