"""Budgets per tenant and day, shared where there is a Redis, counted alone where there is none."""

from __future__ import annotations

import fakeredis
import pytest

from ticketing.config.insight import LlmBudget
from ticketing.llm.ledger import AWAY_SECONDS, DAY_SECONDS, Ledger

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def redis(server: fakeredis.FakeServer) -> fakeredis.FakeAsyncRedis:
    return fakeredis.FakeAsyncRedis(server=server)


def ledger(clock: Clock, client: object = None, calls: int = 3, dollars: float = 1.0) -> Ledger:
    budget = LlmBudget(calls_per_day=calls, per_day=dollars)
    return Ledger(budget, client, "t", clock=clock)


async def test_calls_are_limited_per_tenant_and_day(clock: Clock) -> None:
    one = ledger(clock)
    assert [await one.reserve("a") for _ in range(5)] == [True, True, True, False, False]
    assert await one.reserve("b")
    clock.now += one.seconds_left()
    assert await one.reserve("a")


async def test_dollars_are_limited(clock: Clock) -> None:
    one = ledger(clock, calls=100)
    assert await one.reserve("a")
    await one.charge("a", 0.6)
    assert await one.reserve("a")
    await one.charge("a", 0.6)
    assert not await one.reserve("a")
    assert await one.reserve("b")


async def test_a_budget_of_nothing_allows_nothing(clock: Clock) -> None:
    assert not await ledger(clock, calls=0).reserve("a")
    assert not await ledger(clock, dollars=0).reserve("a")


async def test_workers_and_restarts_share_a_budget_through_redis(clock: Clock) -> None:
    server = fakeredis.FakeServer()
    first, second = ledger(clock, redis(server)), ledger(clock, redis(server))
    assert await first.reserve("a")
    assert await second.reserve("a")
    await second.charge("a", 0.4)
    third = ledger(clock, redis(server))
    assert await third.reserve("a")
    assert not await third.reserve("a")
    assert not await first.reserve("a")


async def test_without_redis_it_counts_by_itself_and_is_not_held_up(clock: Clock) -> None:
    server = fakeredis.FakeServer()
    one = ledger(clock, redis(server))
    assert await one.reserve("a")
    server.connected = False
    assert [await one.reserve("a") for _ in range(3)] == [True, True, False]
    await one.charge("a", 5.0)
    await one.keep("i", 1, b"x")
    assert await one.answer("i", 1) == b"x"
    assert await one.answer("i", 2) is None
    server.connected = True
    clock.now += AWAY_SECONDS
    assert not await one.reserve("a")


async def test_redis_is_not_asked_again_at_once_when_it_is_away(clock: Clock) -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    one = ledger(clock, redis(server), calls=10)
    assert await one.reserve("a")
    server.connected = True
    assert await one.reserve("a")
    assert await redis(server).keys("*") == []
    clock.now += AWAY_SECONDS
    assert await one.reserve("a")
    # The tenant's, that of all tenants, and the minute's.
    assert len(await redis(server).keys("*")) == 3


async def test_an_answer_is_kept_for_its_revision_and_shared(clock: Clock) -> None:
    server = fakeredis.FakeServer()
    await ledger(clock, redis(server)).keep("i", 3, b"words")
    other = ledger(clock, redis(server))
    assert await other.answer("i", 3) == b"words"
    assert await other.answer("i", 4) is None


async def test_a_tenants_name_may_be_anything(clock: Clock) -> None:
    server = fakeredis.FakeServer()
    one = ledger(clock, redis(server), calls=1)
    for name in ("x" * 100_000, "a b\n*", "\ud800", ""):
        assert await one.reserve(name)
        assert not await one.reserve(name)
    assert all(len(key) < 100 for key in await redis(server).keys("*"))


TENANTS = [f"tenant-{number}" for number in range(120)]


@pytest.mark.parametrize("shared", [True, False])
async def test_new_names_of_tenants_evade_no_ceiling_of_calls(clock: Clock, shared: bool) -> None:
    client = redis(fakeredis.FakeServer()) if shared else None
    budget = LlmBudget(total_calls_per_day=30, calls_per_minute=20)
    one = Ledger(budget, client, "t", clock=clock)
    assert sum([await one.reserve(name) for name in TENANTS]) == 20
    assert one.seconds_left() <= 60
    clock.now += one.seconds_left()
    assert sum([await one.reserve(name) for name in TENANTS]) == 10
    assert one.seconds_left() > 60
    clock.now += one.seconds_left()
    assert await one.reserve("a")


async def test_new_names_of_tenants_evade_no_ceiling_of_dollars(clock: Clock) -> None:
    one = Ledger(LlmBudget(total_per_day=2.0, calls_per_minute=1000), None, "t", clock=clock)
    asked = 0
    for name in TENANTS:
        if await one.reserve(name):
            asked += 1
            await one.charge(name, 0.1)
    assert asked == 20


async def test_by_default_a_crowd_of_tenants_gets_few_calls(clock: Clock) -> None:
    one = Ledger(LlmBudget(), None, "t", clock=clock)
    assert sum([await one.reserve(name) for name in TENANTS]) == LlmBudget().calls_per_minute


async def test_no_tenant_is_named_like_all_of_them(clock: Clock) -> None:
    one = Ledger(LlmBudget(calls_per_day=1), None, "t", clock=clock)
    assert await one.reserve("a")
    assert await one.reserve("all")
