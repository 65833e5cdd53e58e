"""The view of all incidents and alerts in Redis: JSON documents, and a log of changes.

Each process that reads lists keeps an index of its own, which follows that log (`view.following`).

The keys of a build of the view begin with `<prefix>:v<N>:`, those of its alerts go on with
`alerts:`; the hash `<prefix>:view` names the live build. A rebuild fills the next build beside the
live one and then switches. The view needs one Redis server, with replicas if wanted; a Redis
Cluster would need all keys in one slot.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

from redis.exceptions import RedisError

from ticketing.config import Config
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.errors import Rebuilding, Unavailable
from ticketing.extras import require
from ticketing.privacy import Scrubber, for_view
from ticketing.redis_client import open_client
from ticketing.view.following import Followed
from ticketing.view.index import require_fts5
from ticketing.view.query import ALERTS, INCIDENTS, Page, Paged, encode_cursor
from ticketing.view.record import AlertItem, Item, alerts_written, written
from ticketing.view.scripts import WRITE
from ticketing.view.similar import alike, candidates, read_shown
from ticketing.view.statistics import Measured, Period

CHUNK_ENTRIES = 100
"""Entries written by one call of the script; Redis serves no other client meanwhile."""
FOLLOW_SECONDS = 0.25
"""A request brings the index up to date anyway; a quarter of a second leaves it little to do."""
TOMBSTONE_SECONDS = 86_400.0
"""Longer than a worker that lost its partition can still write its last batch."""
OLD_BUILD_SECONDS = 60
"""The life of a build after the switch, for requests under way."""
REBUILD_LOCK_SECONDS = 60
"""Renewed by each write of a rebuild; after a crash another worker starts a minute later."""
DOCUMENTS_VERSION = 3
"""Raised when the documents get a field that readers need: an older view is then rebuilt."""
_KEYS = ("docs", "list", "entry", "version", "changed", "seq", "gone", "ended")
_COMPLETE: dict[str, str | int] = {"complete": "1", "documents": DOCUMENTS_VERSION}


@dataclass(frozen=True)
class Written:
    """The outcome of a batch; `stale`: overtaken by a newer revision or a tombstone."""

    written: int = 0
    stale: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Changes:
    """The changes of a build after a sequence number; with `reset` the reader must start over."""

    build: str
    seq: int
    ids: Sequence[str] = ()
    documents: Sequence[bytes | None] = ()
    reset: bool = False


def open_store(config: Config) -> ViewStore:
    """The view as configured. With `redis.url: embedded` it lives in this process alone.

    Raises Misconfigured without what it needs.
    """
    require_fts5()
    if config.redis.embedded:
        require("demo", "redis.url")
        import fakeredis

        # A server for each store, so that two stores in one process share no data.
        client: Any = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())
    else:
        client = open_client(config.redis)
    return ViewStore(
        client, config.redis.prefix, retention=config.retention, scrub=for_view(config)
    )


class ViewStore:
    """Reads and writes the view. Every method raises Unavailable when Redis does not answer."""

    def __init__(
        self,
        redis: Any,
        prefix: str,
        *,
        retention: float,
        scrub: Scrubber | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`retention`: seconds that a resolved incident or a quiet alert is kept; `scrub` takes
        secrets out of all that is written."""
        self.redis = redis
        self.prefix = prefix
        self._retention = retention
        self._clock = clock
        self._closed = False
        self.scrub = scrub
        self._pointers = f"{prefix}:view"
        self._write = redis.register_script(WRITE)
        self._followed = {
            section: Followed(redis, partial(self._base, section=section))
            for section in (INCIDENTS, ALERTS)
        }

    async def close(self) -> None:
        """Close the connections and the indexes."""
        self._closed = True
        for followed in self._followed.values():
            followed.close()
        await self.redis.aclose()

    # Writing

    async def write(self, batch: Iterable[Item]) -> Written:
        """Write newer revisions, remove tombstoned incidents. Safe to repeat, in any order."""
        return await self._write_all(INCIDENTS, written(batch, self.scrub))

    async def write_alerts(self, batch: Iterable[AlertItem]) -> Written:
        """Write newer states of alerts, remove tombstoned ones. Safe to repeat, in any order."""
        return await self._write_all(ALERTS, alerts_written(batch, self.scrub))

    async def _write_all(self, section: str, items: list[list[Any]]) -> Written:
        total = Written()
        with _answers():
            for start in range(0, len(items), CHUNK_ENTRIES):
                done = await self._write_chunk(section, items[start : start + CHUNK_ENTRIES])
                total = Written(
                    total.written + done.written,
                    total.stale + done.stale,
                    total.deleted + done.deleted,
                )
        return total

    async def _write_chunk(self, section: str, chunk: list[list[Any]]) -> Written:
        while True:
            live, building = await self._builds()
            if live is None:
                # A new Redis, or an emptied one: begin an incomplete build.
                number = await self.redis.hincrby(self._pointers, "last", 1)
                await self.redis.hsetnx(self._pointers, "live", str(number))
                continue
            done = await self._write_to(live, section, chunk)
            if done is not None and (
                building is None or await self._write_to(building, section, chunk) is not None
            ):
                return done

    async def _write_to(self, build: str, section: str, chunk: list[list[Any]]) -> Written | None:
        """Write to a build; None when the build is no longer in use."""
        base = self._base(build, section)
        now = self._clock()
        for_good = 1 if section == INCIDENTS else 0
        done = await self._write(
            keys=[self._pointers, *(base + name for name in _KEYS)],
            args=[
                *(build, now, now - self._retention, now - TOMBSTONE_SECONDS, for_good),
                *(part for item in chunk for part in item),
            ],
        )
        return Written(*done) if done else None

    # Builds

    async def is_complete(self) -> bool:
        """True while the live build has every incident and alert, with all fields that readers need.

        False for a Redis that is new, was emptied, or was filled by an older release.
        """
        with _answers():
            return await self._complete_build() is not None

    async def begin_rebuild(self) -> Rebuild | None:
        """Start a build beside the live one; None while another process is rebuilding.

        From this call on every writer fills both builds. The new build is complete with the records
        from the beginning of the topics to their ends *after* this call.
        """
        token = secrets.token_hex(8)
        with _answers():
            lock = f"{self.prefix}:rebuild"
            if not await self.redis.set(lock, token, nx=True, ex=REBUILD_LOCK_SECONDS):
                return None
            _, abandoned = await self._builds()
            number = str(await self.redis.hincrby(self._pointers, "last", 1))
            await self.redis.hset(self._pointers, "building", number)
            if abandoned is not None:
                await self._let_go(abandoned)
        return Rebuild(self, number, lock, token.encode())

    async def _builds(self) -> tuple[str | None, str | None]:
        live, building = await self.redis.hmget(self._pointers, "live", "building")
        return live and live.decode(), building and building.decode()

    def _base(self, build: str, section: str = INCIDENTS) -> str:
        return f"{self.prefix}:v{build}:{section}"

    async def _let_go(self, build: str) -> None:
        async for key in self.redis.scan_iter(match=f"{self._base(build)}*", count=500):
            await self.redis.expire(key, OLD_BUILD_SECONDS)

    # Reading

    async def follow(self) -> None:
        """Keep the indexes up to date until the view is closed or the task is cancelled, so that a
        request finds little left to do."""
        # Before Python 3.12 `wait_for`, which the Redis client sends in, may lose a cancellation.
        while not self._closed:
            whole, pause = True, FOLLOW_SECONDS
            try:
                with _answers():
                    live, building = await self._complete_build(), (await self._builds())[1]
                    for followed in self._followed.values():
                        whole &= await followed.follow([live, building])
            except Unavailable as error:
                pause = error.wait
            await asyncio.sleep(pause if whole else 0.0)

    @property
    def is_filling(self) -> bool:
        """True while a view is complete and the index of it that `follow` keeps is not."""
        return any(followed.is_filling for followed in self._followed.values())

    async def page(self, query: Paged) -> Page:
        """The entries that a query asks for, and the next cursor; raises Rebuilding."""
        build = await self._readable()
        with _answers():
            hits = await self._followed[query.section].ask(build, methodcaller("page", query))
            base = self._base(build, query.section)
            found = await self.redis.hmget(f"{base}list", hits.ids) if hits.ids else []
        # What was removed since is left out.
        documents = [document for document in found if document is not None]
        after = None if hits.after is None else encode_cursor(hits.after, query.sort)
        return Page(documents, after)

    async def similar(self, document: bytes) -> list[dict[str, Any]]:
        """Resolved incidents of the same tenant like that of a whole document, best first.

        Raises Rebuilding.
        """
        shown = read_shown(document)
        if shown is None:
            return []
        build, found = await self._readable(), {}
        with _answers():
            for query in candidates(shown):
                hits = await self._followed[INCIDENTS].ask(build, methodcaller("page", query))
                found.update(dict.fromkeys(hits.ids))
            ids = list(found)
            documents = await self.redis.hmget(f"{self._base(build)}docs", ids) if ids else []
        return alike(shown, filter(None, map(read_shown, filter(None, documents))))

    async def get(self, id: str) -> bytes | None:
        """The whole document of an incident as JSON; None for an unknown id. Raises Rebuilding."""
        build = await self._readable()
        with _answers():
            document: bytes | None = await self.redis.hget(f"{self._base(build)}docs", id)
            return document

    async def revisions(self, ids: Sequence[str]) -> list[int | None]:
        """The revision of each incident, None for an unknown id; cheap enough to call often.

        Raises Rebuilding.
        """
        if not ids:
            return []
        build = await self._readable()
        with _answers():
            found = await self.redis.hmget(f"{self._base(build)}version", list(ids))
            return [None if version is None else int(version) for version in found]

    async def totals(self, tenants: Sequence[str] | None = None) -> dict[str, Any]:
        """The numbers of incidents: in all, by status, and by severity of the unresolved.

        `tenants` are those that count, None for all. Raises Rebuilding.
        """
        build = await self._readable()
        by_status = dict.fromkeys((s.value for s in Status), 0)
        active = dict.fromkeys((s.value for s in Severity), 0)
        with _answers():
            counts = await self._followed[INCIDENTS].ask(build, methodcaller("counts", tenants))
        for status, severity, number in counts:
            by_status[status] += number
            if status != Status.RESOLVED.value:
                active[severity] += number
        return {"incidents": sum(by_status.values()), "byStatus": by_status, "active": active}

    async def measured(self, period: Period) -> Measured:
        """The measures of the incidents of a period; raises Rebuilding."""
        build = await self._readable()
        with _answers():
            return await self._followed[INCIDENTS].ask(build, methodcaller("measured", period))

    async def _readable(self) -> str:
        """The live build; raises Rebuilding while it lacks incidents."""
        with _answers():
            build = await self._complete_build()
        if build is None:
            raise Rebuilding("The view of the incidents is being built from Kafka")
        return build

    async def _complete_build(self) -> str | None:
        names = ("live", "complete", "documents")
        live, complete, version = await self.redis.hmget(self._pointers, names)
        is_complete = complete == b"1" and int(version or 0) >= DOCUMENTS_VERSION
        return live.decode() if live is not None and is_complete else None

    async def changes(self, build: str, seq: int, limit: int) -> Changes:
        """The changes after `seq` in `build`, oldest change first, at most `limit` incidents.

        A document is None where the incident is gone. `reset` is set when another build is live,
        or none any more; without one the build is "0".
        """
        with _answers():
            live = (await self._builds())[0] or "0"
            base = self._base(live)
            if live != build:
                latest = int(await self.redis.get(f"{base}seq") or 0)
                return Changes(live, latest, reset=True)
            found = await self.redis.zrangebyscore(
                f"{base}changed", f"({seq}", "+inf", start=0, num=limit, withscores=True
            )
            if not found:
                return Changes(build, seq)
            ids = [id for id, _ in found]
            documents = await self.redis.hmget(f"{base}list", ids)
            return Changes(build, int(found[-1][1]), [id.decode() for id in ids], documents)


class Rebuild:
    """A build in progress. Call `write` for all incidents and alerts, then `finish`."""

    def __init__(self, store: ViewStore, build: str, lock: str, token: bytes) -> None:
        self._store = store
        self._build = build
        self._lock = lock
        self._token = token

    async def write(self, batch: Iterable[Item], alerts: Iterable[AlertItem] = ()) -> None:
        """Fill the new build only. Raises Unavailable once the build is lost."""
        with _answers():
            await self._hold()
            scrub = self._store.scrub
            await self._write_all(INCIDENTS, written(batch, scrub))
            await self._write_all(ALERTS, alerts_written(alerts, scrub))

    async def _write_all(self, section: str, items: list[list[Any]]) -> None:
        for start in range(0, len(items), CHUNK_ENTRIES):
            chunk = items[start : start + CHUNK_ENTRIES]
            if await self._store._write_to(self._build, section, chunk) is None:
                raise Unavailable("the new build of the view is gone from Redis")

    async def finish(self) -> None:
        """Switch to the new build; the old one expires."""
        store = self._store
        with _answers():
            await self._hold()
            live, _ = await store._builds()
            pipe = store.redis.pipeline(transaction=True)
            pipe.hset(store._pointers, mapping={"live": self._build, **_COMPLETE})
            pipe.hdel(store._pointers, "building")
            pipe.delete(self._lock)
            await pipe.execute()
            if live is not None:
                await store._let_go(live)

    async def _hold(self) -> None:
        if await self._store.redis.get(self._lock) != self._token:
            raise Unavailable("another process took over the rebuild of the view")
        await self._store.redis.expire(self._lock, REBUILD_LOCK_SECONDS)


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        # A Redis error's message may quote the address with its password.
        raise Unavailable(f"Redis does not answer ({type(error).__name__})") from None
