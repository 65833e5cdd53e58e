"""`python tests/bench/view.py [incidents]`: lists and searches over a large view, and its building.

On a real Redis, in one process with one client: the index in SQLite (ours), a look at every list
document, and sorted sets of tokens in Redis, which a search intersects. A rebuild writes documents
as `agents.view_rebuild` does, without the reading from Kafka.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from redis.asyncio import Redis  # noqa: E402  (the path must be set first)
from support.incidents import numbered  # noqa: E402
from support.redis import launch  # noqa: E402
from support.waiting import until  # noqa: E402

from ticketing.domain.events import TicketState  # noqa: E402
from ticketing.domain.incidents.incident import Incident, Status, Ticket  # noqa: E402
from ticketing.domain.severity import Severity  # noqa: E402
from ticketing.errors import Rebuilding  # noqa: E402
from ticketing.view.query import Query, Sort, decode_cursor  # noqa: E402
from ticketing.view.statistics import Bucket, Period  # noqa: E402
from ticketing.view.store import ViewStore  # noqa: E402
from ticketing.view.tokens import folded, tokens  # noqa: E402

INCIDENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
IN_SETS = 4_000
"""Incidents of which the sorted sets are made: more would take minutes and gigabytes."""
ROUNDS = 200
WORDS = [
    *("payment", "checkout", "timeout", "refused", "connection", "database", "pool", "exhausted"),
    *("deadline", "exceeded", "charge", "order", "gateway", "failed", "upstream", "reset", "peer"),
    *("handshake", "certificate", "expired", "memory", "heap", "broker", "leader", "schema"),
    *("null", "pointer", "SocketTimeoutException", "token", "denied", "disk", "query", "读取超时"),
]
ASKED = {
    "page 1": Query(),
    "page 1 of one status": Query(statuses=("open",)),
    "four filters": Query(
        statuses=("open",), severities=("critical",), services=("s1", "s2"), tenants=("t3",)
    ),
    "a word": Query(search="timeout"),
    "six words": Query(search="timeout payment order failed refused leader"),
    "a ticket's key": Query(search=f"ops-{INCIDENTS // 2}"),
    "two characters": Query(search="超时"),
    "without a hit": Query(search="zebra"),
    "without a hit, of common parts": Query(search="timerefused"),
    "a word and a filter without a hit": Query(
        search="timeout", severities=("low",), tenants=("x",)
    ),
    "by update": Query(sort=Sort.UPDATED),
    "by severity, one tenant": Query(sort=Sort.SEVERITY, tenants=("t3",)),
}


def made(number: int, chosen: random.Random) -> Incident:
    """An incident of 50 services and 20 tenants, over 30 days."""
    key = f"OPS-{number}"
    status = chosen.choices(list(Status), [1, 1, 1, 27])[0]
    opened = 1_900_000_000.0 + chosen.random() * 30 * 86_400
    return numbered(
        number,
        title=" ".join(chosen.choices(WORDS, k=chosen.randint(5, 14))),
        service=f"s{number % 50}",
        tenant=f"t{number % 20}",
        severity=chosen.choice(list(Severity)),
        status=status,
        opened_at=opened,
        updated_at=opened + chosen.random() * 7_200,
        resolved_at=opened + 3_600 if status is Status.RESOLVED else None,
        trace_ids=[f"{chosen.getrandbits(128):032x}"],
        tickets={"jira": Ticket(platform="jira", key=key, state=TicketState.OPEN)},
    )


class Watch:
    """Tells the seconds since it was made, and the work of this process in them."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def tell(self, name: str) -> None:
        """Print them."""
        took, worked = time.perf_counter() - self._began, time.process_time() - self._worked
        print(f"{name}: {took:.1f} s, CPU {worked:.1f} s", flush=True)


def memory_max() -> float:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def timed(name: str, asked: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> None:
    """Print the time of answers, and the work of this process for one, which no neighbour slows."""
    taken = []
    worked = time.process_time()
    for _ in range(rounds):
        began = time.perf_counter()
        await asked()
        taken.append((time.perf_counter() - began) * 1e3)
    worked = (time.process_time() - worked) / rounds * 1e3
    taken.sort()
    middle, high = taken[rounds // 2], taken[int(rounds * 0.99)]
    print(f"{name:38} p50 {middle:8.2f}  p99 {high:8.2f}  CPU {worked:8.2f} ms", flush=True)


async def every_document(redis: Redis, word: str) -> None:
    """A search as a look at every list document, in the order of their ids."""
    cursor = -1
    while cursor:
        cursor, found = await redis.hscan("bench:v1:list", max(cursor, 0), count=250)
        _ = [id for id, document in found.items() if word in document.decode().casefold()]


async def in_sets(redis: Redis) -> int:
    """Fill a sorted set for each token of 4,000 incidents; returns the bytes in Redis."""
    before = (await redis.info("memory"))["used_memory"]
    chosen = random.Random(2)
    for start in range(0, IN_SETS, 200):
        pipe = redis.pipeline(transaction=False)
        for number in range(start, start + 200):
            one = made(number, chosen)
            text = folded(f"{one.id} {one.title} {one.service} {one.tenant} {one.trace_ids[0]}")
            for token in tokens(text):
                pipe.zadd(f"set:{token}", {one.id: one.opened_at})
        await pipe.execute()
    return int((await redis.info("memory"))["used_memory"] - before)


async def main() -> None:
    """Fill a view, then ask it."""
    server = launch()
    redis = Redis.from_url(server.url)
    store = ViewStore(redis, "bench", retention=1e9, clock=lambda: 1_900_000_000.0)
    try:
        chosen = random.Random(1)
        incidents = [made(number, chosen) for number in range(INCIDENTS)]
        rebuild = await store.begin_rebuild()
        assert rebuild is not None
        watch = Watch()
        for start in range(0, INCIDENTS, 500):
            await rebuild.write([(one.id, one) for one in incidents[start : start + 500]])
        await rebuild.finish()
        watch.tell(f"{INCIDENTS} incidents written")
        del incidents
        memory, watch = memory_max(), Watch()
        following = asyncio.create_task(store.follow())
        await until(partial(filled, store), "the index", 600.0)
        watch.tell("indexed")
        print(f"{memory_max() - memory:.0f} MB of memory more")
        for name, query in ASKED.items():
            await timed(name, lambda query=query: store.page(query))
        query = Query()
        for _ in range(999):
            after = (await store.page(query)).after
            if after is None:
                break
            query = Query(after=decode_cursor(after))
        await timed("the last page, or page 1,000", lambda: store.page(query))
        await timed("totals", store.totals)
        following.cancel()
        period = Period(since=0.0, until=2e9, bucket=Bucket.WEEK)
        await timed("statistics", lambda: store.measured(period), 20)
        await timed("every document, without a hit", lambda: every_document(redis, "zebra"), 3)
        watch = Watch()
        size = await in_sets(redis)
        watch.tell(f"sorted sets of {IN_SETS} incidents, {size / 2**20:.0f} MB of Redis")
        parts = [f"set:{token}" for token in ("tim", "ime", "meo", "eou", "out", "pay", "aym")]
        await timed("sorted sets, two words", lambda: redis.zinter(parts), 20)
    finally:
        await store.close()
        server.close()


async def filled(store: ViewStore) -> bool:
    """True once the index has all."""
    try:
        return bool((await store.totals())["incidents"] == INCIDENTS)
    except Rebuilding:
        return False


if __name__ == "__main__":
    asyncio.run(main())
