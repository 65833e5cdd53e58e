"""The view of all incidents and alerts in Redis: JSON documents, indexes, and a log of changes.

The keys of a build of the view begin with `<prefix>:v<N>:`, those of its alerts go on with
`alerts:`; the hash `<prefix>:view` names the live build. A rebuild fills the next build beside the
live one and then switches. The view needs one Redis server, with replicas if wanted; a Redis
Cluster would need all keys in one slot.
"""

from __future__ import annotations

import heapq
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import msgspec
from redis.exceptions import RedisError

from ticketing.config import Config
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.errors import Unavailable
from ticketing.extras import require
from ticketing.privacy import Scrubber, for_view
from ticketing.redis_client import open_client
from ticketing.view.query import ALERTS, ALL, INCIDENTS, Page, Paged, encode_cursor, id_in
from ticketing.view.record import AlertItem, Item, alerts_written, written
from ticketing.view.scripts import WRITE

CHUNK_ENTRIES = 100
"""Entries written by one call of the script; Redis serves no other client meanwhile."""
SCAN_CHUNK = 250
"""Entries read in one round trip: a few pages' worth, so that a filter rarely needs another."""
SCANNED_MAX = 20_000
"""Entries read by a search for one page, to bound the answer's time; the next page goes on."""
TOMBSTONE_SECONDS = 86_400.0
"""Longer than a worker that lost its partition can still write its last batch."""
OLD_BUILD_SECONDS = 60
"""The life of a build after the switch, for requests under way."""
REBUILD_LOCK_SECONDS = 60
"""Renewed by each write of a rebuild; after a crash another worker starts a minute later."""
DOCUMENTS_VERSION = 3
"""Raised when the documents get a field that readers need: an older view is then rebuilt."""
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
    """The view as configured. With `redis.url: embedded` it lives in this process alone."""
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
        self.scrub = scrub
        self._pointers = f"{prefix}:view"
        self._write = redis.register_script(WRITE)

    async def close(self) -> None:
        """Close the connections."""
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
        names = ("docs", "list", "meta", "changed", "seq", "gone", "ended")
        now = self._clock()
        forgets = now - TOMBSTONE_SECONDS if section == INCIDENTS else ""
        fixed = [build, base, now, now - self._retention, forgets]
        done = await self._write(
            keys=[self._pointers, *(base + name for name in names)],
            args=[*fixed, *(part for item in chunk for part in item)],
        )
        return Written(*done) if done else None

    # Builds

    async def is_complete(self) -> bool:
        """True while the live build has every incident and alert, with all fields that readers need.

        False for a Redis that is new, was emptied, or was filled by an older release.
        """
        with _answers():
            complete, version = await self.redis.hmget(self._pointers, "complete", "documents")
            return complete == b"1" and int(version or 0) >= DOCUMENTS_VERSION

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

    async def page(self, query: Paged) -> Page:
        """The newest incidents, or alerts, that match the query, and the next cursor."""
        with _answers():
            live, _ = await self._builds()
            if live is None:
                return Page([])
            base = self._base(live, query.section)
            indexes = [] if query.ids else await self._narrowest(base, query)
            return await self._walk(base, indexes, query)

    async def _narrowest(self, base: str, query: Paged) -> list[str]:
        """The union of indexes with the fewest members; the other filters apply to these."""
        groups = query.index_groups()
        if len(groups) == 1:
            return groups[0]
        pipe = self.redis.pipeline(transaction=False)
        for name in (name for group in groups for name in group):
            pipe.zcard(base + name)
        sizes = iter(await pipe.execute())
        by_size = [(sum(next(sizes) for _ in group), group) for group in groups]
        return min(by_size, key=lambda pair: pair[0])[1]

    async def _walk(self, base: str, indexes: list[str], query: Paged) -> Page:
        found: list[tuple[str, bytes]] = []
        scanned = 0
        while scanned < SCANNED_MAX:
            places = await self._places(base, indexes, query)
            if not places:
                return Page([document for _, document in found])
            for place, document in await self._listed(base, places):
                if not query.admits(document):
                    continue
                if len(found) == query.limit:
                    return _page(found, found[-1][0])
                found.append((place, document))
            scanned += len(places)
            query = replace(query, after=places[-1])
        return _page(found, query.after)

    async def _places(self, base: str, indexes: list[str], query: Paged) -> list[str]:
        if query.ids:
            return await self._places_of(base, query)
        highest, lowest = query.bounds()
        pipe = self.redis.pipeline(transaction=False)
        for index in indexes:
            pipe.zrevrangebylex(base + index, highest, lowest, start=0, num=SCAN_CHUNK)
        # An incident stands in the index of each of its alerts' services.
        merged = (place for place, _ in groupby(heapq.merge(*await pipe.execute(), reverse=True)))
        return [place.decode() for place in islice(merged, SCAN_CHUNK)]

    async def _places_of(self, base: str, query: Paged) -> list[str]:
        """The places of the entries requested by id, within the bounds of the page."""
        metas = await self.redis.hmget(f"{base}meta", query.ids)
        places = [msgspec.json.decode(meta)[1] for meta in metas if meta is not None]
        return sorted(filter(query.within_bounds, places), reverse=True)

    async def _listed(self, base: str, places: list[str]) -> list[tuple[str, bytes]]:
        documents = await self.redis.hmget(f"{base}list", [id_in(place) for place in places])
        pairs = zip(places, documents, strict=True)
        return [(place, document) for place, document in pairs if document is not None]

    async def get(self, id: str) -> bytes | None:
        """The whole document of an incident as JSON; None for an unknown id."""
        with _answers():
            live, _ = await self._builds()
            if live is None:
                return None
            document: bytes | None = await self.redis.hget(f"{self._base(live)}docs", id)
            return document

    async def revisions(self, ids: Sequence[str]) -> list[int | None]:
        """The revision of each incident, None for an unknown id; cheap enough to call often."""
        if not ids:
            return []
        with _answers():
            live, _ = await self._builds()
            if live is None:
                return [None for _ in ids]
            found = await self.redis.hmget(f"{self._base(live)}meta", list(ids))
            return [None if meta is None else int(msgspec.json.decode(meta)[0]) for meta in found]

    async def totals(self, tenants: Sequence[str] | None = None) -> dict[str, Any]:
        """The numbers of incidents: in all, by status, and by severity of the unresolved.

        `tenants` are those that count, None for all.
        """
        with _answers():
            live, _ = await self._builds()
            base = self._base(live or "0")
            names = [ALL, *(f"by:status:{s.value}" for s in Status)]
            names += [f"by:active:{s.value}" for s in Severity]
            pipe = self.redis.pipeline(transaction=False)
            for name in names:
                if tenants is None:
                    pipe.zcard(base + name)
                for tenant in tenants or ():
                    pipe.zintercard(2, [base + name, f"{base}by:tenant:{tenant}"])
            counted = await pipe.execute()
            each = 1 if tenants is None else len(tenants)
            sizes = {
                name: sum(counted[place * each : (place + 1) * each])
                for place, name in enumerate(names)
            }
        return {
            "incidents": sizes[ALL],
            "byStatus": {s.value: sizes[f"by:status:{s.value}"] for s in Status},
            "active": {s.value: sizes[f"by:active:{s.value}"] for s in Severity},
        }

    async def changes(self, build: str, seq: int, limit: int) -> Changes:
        """The changes after `seq` in `build`, oldest change first, at most `limit` incidents.

        A document is None where the incident is gone. `reset` is set when another build is live.
        """
        with _answers():
            live, _ = await self._builds()
            base = self._base(live or "0")
            if live != build:
                latest = int(await self.redis.get(f"{base}seq") or 0)
                return Changes(live or "0", latest, reset=True)
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


def _page(found: list[tuple[str, bytes]], after: str | None) -> Page:
    cursor = None if after is None else encode_cursor(after)
    return Page([document for _, document in found], cursor)


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        # A Redis error's message may quote the address with its password.
        raise Unavailable(f"Redis does not answer ({type(error).__name__})") from None
