"""An index of this process that follows a section of the view in Redis, by its log of changes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
import structlog

from ticketing.errors import Rebuilding
from ticketing.view.index import Entry, Index
from ticketing.wire.packed import UNREADABLE

log = structlog.get_logger(__name__)
T = TypeVar("T")

CHUNK_ENTRIES = 200
"""Applied at a time, some ten milliseconds: a request waits for one chunk at most."""
FILL_CHUNK_ENTRIES = 2_000
"""The same while nobody can ask: fewer, larger parts are merged in less time."""
CATCH_UP_MAX = 2_000
"""Changes that a request waits for; a whole index that is further behind answers without them."""

_read_entry = msgspec.json.Decoder(Entry).decode


class _Filled:
    """The index of a build: all changes up to `seq`; `whole` once it had all of them."""

    def __init__(self) -> None:
        self.index = Index()
        self.seq = 0
        self.whole = False


class Followed:
    """The indexes of a section, by build. Redis's errors are the caller's."""

    def __init__(self, redis: Any, base: Callable[[str], str]) -> None:
        """`base`: the beginning of the keys of a build."""
        self._redis = redis
        self._base = base
        self._filled: dict[str, _Filled] = {}
        self._turn = asyncio.Lock()
        self.is_filling = False

    def close(self) -> None:
        """Let go of all indexes."""
        self._keep(())

    def _keep(self, builds: Iterable[str | None]) -> None:
        for build in set(self._filled) - set(builds):
            self._filled.pop(build).index.close()

    async def follow(self, builds: Iterable[str | None]) -> bool:
        """Apply some of the changes of each build, and let go of other builds; True without more.

        The first build is the one that is asked for, None without one.
        """
        whole = True
        wanted = list(builds)
        self._keep(wanted)
        for build in wanted:
            if build is not None:
                whole &= await self._catch_up(build, CATCH_UP_MAX)
        live = None if wanted[0] is None else self._filled.get(wanted[0])
        self.is_filling = wanted[0] is not None and (live is None or not live.whole)
        for one in list(self._filled.values()):
            await asyncio.to_thread(one.index.tidy)
        return whole

    async def ask(self, build: str, question: Callable[[Index], T]) -> T:
        """Ask the index of a build, up to date; raises Rebuilding while it is being filled."""
        await self._catch_up(build, CATCH_UP_MAX)
        filled = self._filled.get(build)
        if filled is None or not filled.whole:
            raise Rebuilding("The index of the incidents is being filled from Redis")
        try:
            return await asyncio.to_thread(question, filled.index)
        except sqlite3.Error as error:
            raise self._lost(build, error) from None

    async def _catch_up(self, build: str, changes_max: int) -> bool:
        """Apply the changes of a build; True if that were all."""
        base = self._base(build)
        latest = int(await self._redis.get(f"{base}seq") or 0)
        known = self._filled.get(build)
        if known is not None and known.whole and known.seq >= latest:
            return True
        async with self._turn:
            try:
                return await self._apply(build, base, latest, changes_max)
            except sqlite3.Error as error:
                raise self._lost(build, error) from None

    async def _apply(self, build: str, base: str, latest: int, changes_max: int) -> bool:
        """Apply the changes of a build up to `latest`; True if that were all."""
        filled = self._filled.get(build) or _Filled()
        self._filled[build] = filled
        applied = 0
        while applied < changes_max:
            if filled.whole and filled.seq >= latest:
                return True
            number = CHUNK_ENTRIES if filled.whole else FILL_CHUNK_ENTRIES
            found = await self._redis.zrangebyscore(
                f"{base}changed", f"({filled.seq}", "+inf", start=0, num=number, withscores=True
            )
            if not found:
                filled.seq, filled.whole = max(filled.seq, latest), True
                return True
            raw = await self._redis.hmget(f"{base}entry", [id for id, _ in found])
            changes = [
                (id.decode(), _read(value)) for (id, _), value in zip(found, raw, strict=True)
            ]
            await asyncio.to_thread(filled.index.apply, changes)
            filled.seq = int(found[-1][1])
            applied += len(found)
        return False

    def _lost(self, build: str, error: sqlite3.Error) -> Rebuilding:
        """Let go of an index that failed: the next look fills a new one."""
        log.warning("view_index_lost", why=f"{type(error).__name__}: {error}")
        failed = self._filled.pop(build, None)
        if failed is not None:
            failed.index.close()
        return Rebuilding("The index of the incidents has failed and is filled anew")


def _read(raw: bytes | None) -> Entry | None:
    """An entry; None for one that is gone or can't be read, which the list then leaves out."""
    try:
        return None if raw is None else _read_entry(raw)
    except UNREADABLE:
        return None
