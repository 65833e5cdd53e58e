"""The client of Redis as configured: alone, with TLS, or behind Sentinels."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from ticketing.config.process import Redis as RedisSection
from ticketing.config.process import sentinels_of
from ticketing.config.values import reveal

HEALTH_CHECK_SECONDS = 30
"""A connection that was idle for longer is tried before its use."""


class _Pool(SentinelConnectionPool):
    """The connections to a master, with those to its Sentinels, which nothing else would close."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close all of them; the next command opens them again."""
        await super().disconnect(inuse_connections)
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def open_client(section: RedisSection, seconds: float | None = None) -> Redis:
    """A client of a Redis that is not embedded; `seconds` in place of `redis.timeout`."""
    timeout = section.timeout if seconds is None else seconds
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # One retry, for a stale connection; any other failure goes to the caller at once.
        "retry": Retry(NoBackoff(), 1),
        "health_check_interval": HEALTH_CHECK_SECONDS,
    }
    if section.ca_bundle is not None:
        options["ssl_ca_certs"] = str(section.ca_bundle)
    url = section.url.get_secret_value()
    if section.sentinel_master is None:
        client: Redis = Redis.from_url(url, **options)
        return client
    return _behind_sentinels(section, url, options)


def _behind_sentinels(section: RedisSection, url: str, options: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        options["ssl"] = True
    asked = {
        **options,
        "username": section.sentinel_username,
        "password": reveal(section.sentinel_password) or None,
    }
    made: Any = Sentinel
    client: Redis = made(sentinels_of(url), sentinel_kwargs=asked).master_for(
        str(section.sentinel_master),
        connection_pool_class=_Pool,
        **options,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        db=int(parts.path.strip("/") or 0),
    )
    return client
