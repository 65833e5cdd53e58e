"""Kafka, disks and clocks of an installation in memory, with the knife that ends a process.

A topic is a list a partition, a partition's RocksDB a dict, time a number. Whatever reaches a log,
a disk or a platform is a step: before any step the process that takes it can be killed, or fall
asleep and wake up behind its successor.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from support.records import Record

from ticketing.engine import boottime, keyed_agent, table
from ticketing.engine.changelog import Change, epoch_of
from ticketing.engine.guarded import TooLarge
from ticketing.engine.table import OwnedRows
from ticketing.wire import topics

START = 1_800_000_000.0
NEVER_LATE = tuple(f"send {topic}[" for topic in (topics.ALERTS, topics.INCIDENTS))
RUNNING: list[Process] = []
"""The process that takes the present step, last."""


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


@dataclass
class Chances:
    """What goes wrong by chance, each from 0 to 1."""

    fault: float = 0.0
    uncommitted: float = 0.0
    lazy: float = 0.0
    wiped: float = 0.0
    slow: float = 0.0
    rebalance: float = 0.0
    static: float = 0.0
    """A process that starts again within the generation of the group."""


class Host:
    """A machine's clocks, which may be wrong."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.ahead = 0.0
        """Seconds by which its time of day is ahead of true time."""
        self.boot_ahead = 0.0
        """Seconds by which its clock since the boot was stepped."""
        self.suspended = 0.0
        """Seconds that its monotonic clock has missed."""

    def time(self) -> float:
        """Its time of day, in Unix seconds."""
        return self.world.now + self.ahead

    def boottime(self) -> float:
        """Seconds since its boot, those suspended included."""
        return self.world.now - START + 1_000.0 + self.boot_ahead

    def monotonic(self) -> float:
        """Seconds since its boot, without those suspended."""
        return self.boottime() - self.suspended


class HostTime:
    """Stands in for the module `time`: the clocks of the host of the running process."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    CLOCK_MONOTONIC = time.CLOCK_MONOTONIC
    CLOCK_REALTIME = time.CLOCK_REALTIME
    perf_counter = staticmethod(time.perf_counter)

    @staticmethod
    def _host() -> Host:
        return RUNNING[-1].host

    def time(self) -> float:
        return self._host().time()

    def monotonic(self) -> float:
        return self._host().monotonic()

    def clock_gettime(self, which: int) -> float:
        host = self._host()
        if which == self.CLOCK_BOOTTIME:
            return host.boottime()
        return host.time() if which == self.CLOCK_REALTIME else host.monotonic()


def simulate(patch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Let the engine write into dicts, leave by dying, and read the hosts' clocks."""

    def leave(why: str, *_: Any) -> None:
        raise Crash(why)

    async def at_once(seconds: float) -> None:
        return None

    patch.setattr(table, "WriteBatch", Batch)
    patch.setattr(keyed_agent, "leave", leave)
    patch.setattr(keyed_agent, "asyncio", SimpleNamespace(sleep=at_once))
    for module in (keyed_agent, boottime, *modules):
        patch.setattr(module, "time", HostTime())


class World:
    """Everything that outlives a process. `crashes` and `sleeps` are steps, counted from 1."""

    def __init__(
        self,
        *,
        partitions: int = 2,
        crashes: frozenset[int] = frozenset(),
        sleeps: frozenset[int] = frozenset(),
        seed: int = 0,
        chances: Chances | None = None,
    ) -> None:
        self.now = START
        self.broker_ahead = 0.0
        """Seconds by which the broker's clock is ahead of true time."""
        self.partitions = partitions
        self.random = random.Random(seed)
        self.chances = chances or Chances()
        self.crashes = crashes
        self.sleeps = sleeps
        self.steps: list[str] = []
        self.logs: dict[TP, list[Record]] = {}
        self.committed: dict[TP, int] = {}
        self.notes: dict[TP, str] = {}
        """The metadata beside the committed offsets."""
        self.disks: dict[tuple[str, TP], Disk] = {}
        self.hosts: dict[str, Host] = {}
        self.generation = 0

    def host(self, name: str) -> Host:
        """A host by its name."""
        return self.hosts.setdefault(name, Host(self, name))

    def step(self, what: str) -> None:
        """Something is about to become real."""
        self.steps.append(what)
        if RUNNING and RUNNING[-1].dies:
            raise Crash("fenced")
        if len(self.steps) in self.crashes:
            raise Crash(what)

    async def step_or_sleep(self, what: str) -> None:
        """As `step`, for a step that a process may sleep through."""
        process = RUNNING[-1] if RUNNING else None
        self.step(what)
        if len(self.steps) in self.sleeps and process is not None and not process.superseded:
            await process.fall_asleep(what)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return probability > 0 and self.random.random() < probability

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any = ()
    ) -> int:
        """A record reaches its log; returns its offset."""
        log = self.logs.setdefault(TP(topic, partition), [])
        stamp = int((self.now + self.broker_ahead) * 1000)
        log.append(Record(value, len(log), stamp, key, partition, topic, headers))
        return len(log) - 1

    def read(self, topic: str) -> Iterator[Record]:
        """Every record of a topic, partition by partition."""
        for number in range(self.partitions):
            yield from self.logs.get(TP(topic, number), [])

    def lag(self, topic: str) -> int:
        """The records that nobody has handled yet."""
        return sum(
            len(log) - self.committed.get(tp, 0)
            for tp, log in self.logs.items()
            if tp.topic == topic
        )


class Sent:
    """A send under way; awaiting it makes it and everything before it durable."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.offset = -1
        self.timestamp = 0
        """The broker's, in milliseconds."""

    def __await__(self) -> Generator[Any, None, Sent]:
        yield from self._producer.deliver_through(self).__await__()
        return self

    def result(self) -> Sent:
        return self


class Producer:
    """Sends at once, or, when the world is lazy, not before somebody waits for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: list[tuple[Sent, str, int, bytes | None, bytes | None]] = []

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        """The partition of a key."""
        return zlib.crc32(key or b"") % self._world.partitions

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: Any, *_: Any
    ) -> Sent:
        """Send one message."""
        if partition is None:
            partition = await self.partition_of(topic, key)
        sent = Sent(self)
        self._held.append((sent, topic, partition, key, value))
        if not self._world.happens(self._world.chances.lazy):
            await self.deliver_through(sent)
        return sent

    async def send_all(self, place: TP, messages: list[tuple[bytes | None, bytes | None]]) -> int:
        """Send messages to a partition, one after the other; returns the offset of the last."""
        assert 0 <= place.partition < self._world.partitions, place
        last = -1
        for key, value in messages:
            await self._world.step_or_sleep(f"send {place.topic}[{place.partition}]")
            last = self._world.append(*place, key, value)
        return last

    async def append(self, place: TP, rows: list[tuple[bytes, bytes | None]], headers: Any) -> int:
        """Append a record batch whole; returns the offset of its first record."""
        await self._world.step_or_sleep(f"append {place.topic}[{place.partition}]")
        limit = BATCH_BYTES_MAX
        size = sum(len(key) + len(value or b"") for key, value in rows)
        if size > limit:
            raise TooLarge(place.topic, size)
        offsets = [self._world.append(*place, key, value, headers) for key, value in rows]
        return offsets[0]

    async def deliver_through(self, last: Sent) -> None:
        """Make a send and all before it durable."""
        while last.offset < 0:
            sent, topic, partition, key, value = self._held[0]
            await self._world.step_or_sleep(f"send {topic}[{partition}]")
            del self._held[0]
            sent.offset = self._world.append(topic, partition, key, value)
            sent.timestamp = self._world.logs[TP(topic, partition)][-1].timestamp


BATCH_BYTES_MAX = math.inf


class Changelogs:
    """Reads parts of changelogs."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read(self, place: TP, first: int, end: int) -> list[Change]:
        """The changes from an offset to before another."""
        log = self._world.logs.get(place, [])[first:end]
        assert all(one.key is not None for one in log)
        return [Change(r.offset, r.key or b"", r.value, epoch_of(r.headers)) for r in log]


class Disk:
    """One partition's RocksDB, with the offset of the changelog that it reflects."""

    offset_key = b"__faust\0offset__"

    def __init__(self, world: World, name: str) -> None:
        self.rows: dict[bytes, bytes] = {}
        self._world = world
        self._name = name

    def get(self, key: bytes) -> bytes | None:
        """A row."""
        return self.rows.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row."""
        return iter(sorted(self.rows.items()))

    def write(self, batch: Batch) -> None:
        """Write in one piece."""
        # While it reads its changelog a process is in nobody's way.
        if RUNNING:
            self._world.step(f"write {self._name}")
        for key, value in batch.writes:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value


class Batch:
    """Stands in for RocksDB's WriteBatch, to be written in one step."""

    def __init__(self, raw_mode: bool) -> None:
        self.writes: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        self.writes.append((key, value))

    def delete(self, key: bytes) -> None:
        self.writes.append((key, None))


class _Data:
    """The store of a table: a disk a partition."""

    offset_key = Disk.offset_key

    def __init__(self, owner: Table) -> None:
        self._owner = owner

    def _db_for_partition(self, partition: int) -> Disk:
        return self._owner.disk(partition)


class Table(OwnedRows):
    """The real table's ways of writing and of reading its changelog, over dicts.

    A host keeps the disks of partitions that it had before, as old as they are then.
    """

    def __init__(self, world: World, host: Host, app: Any, name: str) -> None:
        self.world = world
        self.host = host
        self.app = app
        self.name = name
        self.changelog_topic_name = f"{name}-changelog"
        self.data = _Data(self)
        self._owned: dict[int, Any] = {}

    def disk(self, partition: int) -> Disk:
        """The disk of a partition on this host."""
        place = TP(self.changelog_topic_name, partition)
        known = self.world.disks.get((self.host.name, place))
        if known is None:
            known = Disk(self.world, f"{self.name}[{partition}]")
            self.world.disks[self.host.name, place] = known
        return known

    def recover(self, partition: int) -> None:
        """Read what the changelog has and this disk has not."""
        place = TP(self.changelog_topic_name, partition)
        if self.world.happens(self.world.chances.wiped):
            self.world.disks.pop((self.host.name, place), None)
        stored = self.disk(partition).get(Disk.offset_key)
        first = -1 if stored is None else int(stored)
        unread = self.world.logs.get(place, [])[first + 1 :]
        if unread:
            read = [SimpleNamespace(message=record) for record in unread]
            self.apply_changelog_batch(read)  # type: ignore[arg-type]


class Process:
    """A process with one agent on some partitions of one topic. After a crash another one starts."""

    def __init__(self, world: World, host: Host, topic: str, partitions: list[int]) -> None:
        self.world = world
        self.host = host
        self.topic = topic
        self.partitions = list(partitions)
        self.superseded = False
        """True once another process has its partitions."""
        self.fenced = True
        """True for a process that looks at its fence when it wakes up."""
        self.dies = False
        self.asleep = asyncio.Event()
        self._awake = asyncio.Event()
        self.positions: dict[TP, int] = {}
        self._stops = iter(())
        self.app: Any = SimpleNamespace(
            producer=Producer(world),
            changelogs=Changelogs(world),
            consumer_generation_id=world.generation,
            consumer=SimpleNamespace(
                hurry=lambda: None,
                highwater=lambda tp: len(world.logs.get(tp, [])),
                assignment=lambda: {TP(topic, number) for number in self.partitions},
                topic_partitions=lambda name: world.partitions,
                caught_up=lambda tp: self.positions.get(tp, 0) >= len(world.logs.get(tp, [])),
            ),
            role_topics=SimpleNamespace(floors={}, ids={}, partitions={}),
            rebalancing=False,
            in_recovery=False,
        )
        self.fence = SimpleNamespace(check=lambda: None)
        self._seek()

    def _seek(self) -> None:
        for number in self.partitions:
            tp = TP(self.topic, number)
            self.positions[tp] = self.world.committed.get(tp, 0)

    async def reassign(self, partitions: list[int]) -> None:
        """A rebalance: other partitions, maybe, from the committed offsets on."""
        revoked = [TP(self.topic, n) for n in self.partitions if n not in partitions]
        self.partitions = list(partitions)
        self.app.consumer_generation_id = self.world.generation
        self._seek()
        await self.revoked(revoked)

    async def revoked(self, revoked: list[TP]) -> None:
        """Partitions were given away."""

    async def fall_asleep(self, what: str) -> None:
        """Stop in the midst of a step, as by SIGSTOP, until somebody wakes it up.

        The fence stands before each request, so that it lets at most one pass. No snapshot is among
        those here: the topic would keep an older one until the next.
        """
        self.asleep.set()
        RUNNING.remove(self)
        await self._awake.wait()
        RUNNING.append(self)
        if self.fenced:
            if what.startswith(NEVER_LATE) or self.world.happens(0.5):
                raise Crash("fenced")
            # What it had handed to the network before it fell asleep arrives all the same.
            self.dies = True

    async def wake(self) -> None:
        """Let it go on behind its successor."""
        self._awake.set()

    async def handle(self, tp: TP, records: list[Record]) -> None:
        """What the agent does with a batch."""
        raise NotImplementedError

    async def ticks(self) -> bool:
        """Send the ticks that are wanted; True if there were any."""
        return False

    async def turn(self) -> bool:
        """Read a batch of each partition and handle it; True if there was one."""
        RUNNING.append(self)
        try:
            busy = await self.ticks()
            for number in list(self.partitions):
                busy |= await self._read(TP(self.topic, number))
            return busy
        finally:
            if self in RUNNING:
                RUNNING.remove(self)

    async def _read(self, tp: TP) -> bool:
        unread = self.world.logs.get(tp, [])[self.positions[tp] :]
        if not unread:
            return False
        batch = unread[: self.world.random.randint(1, len(unread))]
        await self.handle(tp, batch)
        if self.superseded:
            return True
        self.positions[tp] = batch[-1].offset + 1
        if not self.world.happens(self.world.chances.uncommitted):
            self.world.step(f"commit {tp.topic}[{tp.partition}]")
            self.world.committed[tp] = self.positions[tp]
            self.committed(tp)
        return True

    def committed(self, tp: TP) -> None:
        """What else the commit has changed."""
