"""Rate limits per account of a platform, shared by all workers where there is a Redis.

No page waits for Redis: if Redis does not answer at once, the worker counts by itself for a while,
and each such worker has the whole limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from ticketing.config import Config
from ticketing.config.process import Redis
from ticketing.redis_client import open_client

log = structlog.get_logger(__name__)

REDIS_SECONDS_MAX = 0.25
"""Far above the time of an answer from a healthy Redis, and no delay that a page would feel."""
ALONE_SECONDS = 30.0
"""The time for which Redis is not asked after it did not answer: pages then lose
`REDIS_SECONDS_MAX` only twice a minute, and a Redis that is back is soon shared again."""
YIELDED_SHARE = 0.5
"""The share of the rate that is kept from requests that yield: enough for a burst of pages."""
WAIT_SECONDS_MIN = 0.01
"""Keeps a caller from asking in a busy loop when the window ends at this moment."""
KEY_PREFIX = "ticketing:limits"


class Limits:
    """Counts the requests to one platform by account. Times are Unix seconds."""

    def __init__(
        self,
        platform: str,
        rate: str,
        shared: Callable[[], Storage] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`rate` is written as in the configuration: "100/minute". `shared` makes a storage."""
        self._platform = platform
        self._rate = parse(rate.replace("/", " per ", 1))
        self._make_shared = shared
        self._shared: MovingWindowRateLimiter | None = None
        self._own: MovingWindowRateLimiter | None = None
        self._alone_until = 0.0
        self._closed_until: dict[str, float] = {}
        self._clock = clock

    async def take(self, account: str, *, yields: bool = False) -> float:
        """Take room for one request; returns 0.0, or the seconds until there is room.

        A request that `yields` finds room only while half of the rate is left, for other requests.
        """
        closed = self._closed_until.get(account, 0.0) - self._clock()
        if closed > 0:
            return closed
        self._closed_until.pop(account, None)
        if self._make_shared is not None and self._clock() >= self._alone_until:
            try:
                return await asyncio.wait_for(
                    self._ask(self._together(), account, yields), REDIS_SECONDS_MAX
                )
            except (RedisError, OSError, asyncio.TimeoutError) as error:
                self._alone_until = self._clock() + ALONE_SECONDS
                log.warning(
                    "limits_not_shared", platform=self._platform, error=type(error).__name__
                )
        return await self._ask(self._alone(), account, yields)

    def close(self, account: str, seconds: float) -> None:
        """Leave the account no room for `seconds`, as the platform has asked for."""
        until = self._clock() + seconds
        self._closed_until[account] = max(until, self._closed_until.get(account, 0.0))

    async def disconnect(self) -> None:
        """Close the connections to Redis; the next request opens them again."""
        limiter, self._shared = self._shared, None
        if limiter is not None and isinstance(limiter.storage, RedisStorage):
            # The storage has no close of its own; its client hides behind one of three bridges.
            bridge: Any = limiter.storage.bridge
            await bridge.storage.connection_pool.disconnect()

    async def _ask(self, limiter: MovingWindowRateLimiter, account: str, yields: bool) -> float:
        room = True
        if yields:
            left = (await limiter.get_window_stats(self._rate, self._platform, account)).remaining
            room = left > self._rate.amount * YIELDED_SHARE
        if room and await limiter.hit(self._rate, self._platform, account):
            return 0.0
        stats = await limiter.get_window_stats(self._rate, self._platform, account)
        return max(stats.reset_time - self._clock(), WAIT_SECONDS_MIN)

    def _together(self) -> MovingWindowRateLimiter:
        if self._shared is None:
            assert self._make_shared is not None, "there is a storage to share"
            self._shared = MovingWindowRateLimiter(self._make_shared())
        return self._shared

    def _alone(self) -> MovingWindowRateLimiter:
        if self._own is None:
            # The storage needs the event loop, which is not running in __init__.
            self._own = MovingWindowRateLimiter(MemoryStorage())
        return self._own


def limits_for(config: Config, platform: str) -> Limits:
    """The limits of a platform as configured."""
    rate = config.platform(platform).rate_limit
    if config.redis.embedded:
        return Limits(platform, rate)
    return Limits(platform, rate, lambda: _redis(config.redis))


def _redis(section: Redis) -> Storage:
    # Handed on to the client as it is, though declared as a scalar.
    pool: Any = open_client(section, REDIS_SECONDS_MAX).connection_pool
    return RedisStorage(
        "async+redis://", implementation="redispy", key_prefix=KEY_PREFIX, connection_pool=pool
    )
