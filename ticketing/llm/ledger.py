"""The spending per tenant and day, and paid answers: in Redis, else in memory.

With Redis both survive a restart and are shared by all workers. A call of Redis takes
`redis.timeout` at most. While Redis is away each process counts alone, so that each worker may
spend a budget of its own (docs/summaries.md).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import structlog
from redis.exceptions import RedisError

from ticketing.config import Config
from ticketing.config.insight import LlmBudget
from ticketing.redis_client import open_client

log = structlog.get_logger(__name__)

DAY_SECONDS = 86_400
# The shortest time over which a rate of calls means something to people.
MINUTE_SECONDS = 60
ALL = "\x00all"
"""The name of all tenants together, which no tenant can have: names are cleaned."""
# Past the end of the day in UTC, whatever the clocks of the workers.
KEPT_SECONDS = 2 * DAY_SECONDS
ANSWER_SECONDS = 6 * 3600
"""Longer than a restart or a rebuild takes before it reads the same revision again."""
# Bounds of memory: a few MB of tenants, a few MB of answers.
TENANTS_MAX = 10_000
ANSWERS_MAX = 1_000
AWAY_SECONDS = 5.0
"""Pause after a failure of Redis, so that not every call waits for its timeout."""


@dataclass(slots=True)
class Spent:
    """The calls and US dollars of a tenant on one day."""

    calls: int = 0
    cost: float = 0.0


def open_redis(config: Config) -> Any:
    """The configured Redis; None for the embedded one, which other processes can't reach."""
    if config.redis.embedded:
        return None
    return open_client(config.redis)


class Ledger:
    """Counts calls and US dollars per tenant and day (UTC), and keeps answers by revision."""

    def __init__(
        self,
        budget: LlmBudget,
        redis: Any,
        prefix: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._budget = budget
        self._redis = redis
        self._prefix = f"{prefix}:llm"
        self._clock = clock
        self._day = ""
        self._spent: OrderedDict[str, Spent] = OrderedDict()
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._away_until = 0.0
        self._by_minute = False

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            await self._redis.aclose()

    async def reserve(self, tenant: str) -> bool:
        """Count one call; False, without counting, once a budget is spent: the tenant's of today, or
        that of all tenants today or within this minute.

        The cost of calls under way is not known yet: up to `llm.concurrency` calls may still begin
        when the budget is nearly spent.
        """
        budget, minute = self._budget, self._minute()
        limits = (
            (tenant, budget.calls_per_day, budget.per_day),
            (ALL, budget.total_calls_per_day, budget.total_per_day),
            (minute, budget.calls_per_minute, math.inf),
        )
        for name, calls_max, cost_max in limits:
            spent = await self._spent_by(name)
            if spent.calls >= calls_max or spent.cost >= cost_max:
                self._by_minute = name == minute
                return False
        for name, *_ in limits:
            self._mine(name).calls += 1
            await self._add(name, "calls", 1)
        return True

    async def give_back(self, tenant: str) -> None:
        """Take back the count of a call that was not made, but for that of its minute."""
        for name in (tenant, ALL):
            self._mine(name).calls -= 1
            await self._add(name, "calls", -1)

    async def _spent_by(self, name: str) -> Spent:
        """The spending as far as this process knows, at least its own."""
        mine, shared = self._mine(name), await self._shared(name)
        if shared is None:
            return mine
        return Spent(max(mine.calls, shared.calls), max(mine.cost, shared.cost))

    async def charge(self, tenant: str, cost: float) -> None:
        """Add the cost of a call, in US dollars."""
        if cost > 0:
            for name in (tenant, ALL):
                self._mine(name).cost += cost
                await self._add(name, "cost", cost)

    def seconds_left(self) -> float:
        """Seconds until the budget that was spent last starts anew: the minute's or the day's."""
        period = MINUTE_SECONDS if self._by_minute else DAY_SECONDS
        return period - self._clock() % period

    async def answer(self, incident_id: str, revision: int) -> bytes | None:
        """The answer kept for a revision of an incident."""
        key = f"{incident_id}:{revision}"
        found = self._answers.get(key)
        if found is not None or not self._reachable():
            return found
        try:
            stored = await self._redis.get(f"{self._prefix}:answer:{key}")
        except RedisError as error:
            self._lost(error)
            return None
        return bytes(stored) if stored is not None else None

    async def keep(self, incident_id: str, revision: int, answer: bytes) -> None:
        """Keep an answer: a revision read again after a crash or rebalance costs nothing."""
        key = f"{incident_id}:{revision}"
        self._answers[key] = answer
        while len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        if not self._reachable():
            return
        try:
            await self._redis.set(f"{self._prefix}:answer:{key}", answer, ex=ANSWER_SECONDS)
        except RedisError as error:
            self._lost(error)

    def _mine(self, tenant: str) -> Spent:
        day = self._today()
        if day != self._day:
            self._day = day
            self._spent.clear()
        spent = self._spent.setdefault(tenant, Spent())
        self._spent.move_to_end(tenant)
        while len(self._spent) > TENANTS_MAX:
            self._spent.popitem(last=False)
        return spent

    async def _shared(self, tenant: str) -> Spent | None:
        if not self._reachable():
            return None
        try:
            calls, cost = await self._redis.hmget(self._key(tenant), "calls", "cost")
        except RedisError as error:
            self._lost(error)
            return None
        return Spent(int(float(calls or 0)), float(cost or 0.0))

    async def _add(self, tenant: str, field: str, amount: float) -> None:
        if not self._reachable():
            return
        key = self._key(tenant)
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hincrbyfloat(key, field, amount)
                pipe.expire(key, KEPT_SECONDS)
                await pipe.execute()
        except RedisError as error:
            self._lost(error)

    def _key(self, tenant: str) -> str:
        # Hashed, as a tenant's name comes from logs: any length, any character.
        name = hashlib.sha256(tenant.encode("utf-8", "replace")).hexdigest()[:32]
        return f"{self._prefix}:spent:{self._today()}:{name}"

    def _minute(self) -> str:
        """The name of this minute's spending, as no tenant's."""
        return f"\x00minute {int(self._clock() // MINUTE_SECONDS)}"

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y-%m-%d")

    def _reachable(self) -> bool:
        return self._redis is not None and self._clock() >= self._away_until

    def _lost(self, error: RedisError) -> None:
        self._away_until = self._clock() + AWAY_SECONDS
        log.warning("llm_ledger_alone", why=type(error).__name__)
