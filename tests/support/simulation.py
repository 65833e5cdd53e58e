"""One agent on one partition in memory, which can die at any step; the world has the whole job.

The agents, machines and folds are the real ones. Kafka is a list per topic, RocksDB a dict, time a
number. Whatever reaches a log or a disk is a step, and before any step the process that takes it
can be killed; the next one starts from what was durable.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from support.disk import Batch, MemoryDisk
from support.records import Record

from sinks.agent import SinkAgent
from ticketing.engine import statemachine
from ticketing.engine.changelog import Change, epoch_of
from ticketing.engine.guarded import TooLarge
from ticketing.engine.keyed_agent import KeyedAgent
from ticketing.engine.role_topics import RoleTopics
from ticketing.engine.table import OwnedRows
from ticketing.engine.transport import Header, Pair
from ticketing.wire import topics

START = 1_800_000_000.0
PLATFORM = "jira"
PLATFORM_TOPIC = topics.platform_topic(PLATFORM)


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


class World:
    """Everything that outlives a process, and the knife. `crashes` are the steps at which it falls.

    Steps are counted from 1 over the whole run.
    """

    def __init__(
        self,
        *,
        crashes: frozenset[int] = frozenset(),
        seed: int = 0,
        chances: Chances | None = None,
    ) -> None:
        self.now = START
        self.random = random.Random(seed)
        self.chances = chances or Chances()
        self.crashes = crashes
        self.steps: list[str] = []
        self.logs: dict[str, list[Record]] = {}
        self.committed: dict[str, int] = {}
        self.disks: dict[str, Disk] = {}
        self.limits: dict[str, int] = {}
        """The largest value that a topic takes."""

    def step(self, what: str) -> None:
        """Something is about to become real."""
        self.steps.append(what)
        if len(self.steps) in self.crashes:
            raise Crash(what)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return probability > 0 and self.random.random() < probability

    def append(self, topic: str, key: bytes | None, value: bytes | None, headers: Any = ()) -> int:
        """A record reaches its log."""
        log = self.logs.setdefault(topic, [])
        log.append(Record(value, len(log), int(self.now * 1000), key, topic=topic, headers=headers))
        return len(log) - 1

    def lag(self, topic: str) -> int:
        """Records that nobody has handled yet."""
        return len(self.logs.get(topic, [])) - self.committed.get(topic, 0)


class Sent:
    """A send under way; awaiting it makes it and everything before it durable."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.offset = -1
        self.timestamp = 0
        """The broker's, in milliseconds."""

    def __await__(self) -> Generator[Any, None, Sent]:
        self._producer.deliver_through(self)
        return self
        yield  # a generator, as __await__ has to be one

    def result(self) -> Sent:
        return self


class Producer:
    """Sends at once, or, when the world is lazy, not before somebody waits for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: list[tuple[Sent, str, bytes | None, bytes | None]] = []

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: Any, *_: Any
    ) -> Sent:
        assert partition in (None, 0), "one partition is all there is"
        sent = Sent(self)
        self._held.append((sent, topic, key, value))
        if not self._world.happens(self._world.chances.lazy):
            self.deliver_through(sent)
        return sent

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        return 0

    async def send_all(self, place: Any, messages: list[tuple[bytes | None, bytes | None]]) -> int:
        assert place.partition == 0, "one partition is all there is"
        last = -1
        refused = []
        for index, (key, value) in enumerate(messages):
            if len(value or b"") > self._world.limits.get(place.topic, math.inf):
                refused.append(index)
                continue
            self._world.step(f"send {place.topic}")
            last = self._world.append(place.topic, key, value)
        if refused:
            size = min(len(messages[index][1] or b"") for index in refused)
            raise TooLarge(place.topic, size, tuple(refused))
        return last

    async def append(self, place: Any, messages: list[Pair], headers: list[Header]) -> int:
        """One record batch: whole or not at all."""
        assert place.partition == 0, "one partition is all there is"
        size = sum(len(key or b"") + len(value or b"") for key, value in messages)
        if size > self._world.limits.get(place.topic, math.inf):
            raise TooLarge(place.topic, size)
        self._world.step(f"append {place.topic}")
        offsets = [self._world.append(place.topic, *pair, headers) for pair in messages]
        return offsets[0]

    def deliver_through(self, last: Sent) -> None:
        while last.offset < 0:
            sent, topic, key, value = self._held.pop(0)
            self._world.step(f"send {topic}")
            sent.offset = self._world.append(topic, key, value)
            sent.timestamp = self._world.logs[topic][-1].timestamp


class Changelogs:
    """Reads what others wrote."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read(self, place: TP, first: int, end: int) -> list[Change]:
        return changes(self._world.logs[place.topic][first:end])


def changes(records: list[Record]) -> list[Change]:
    """Records of a changelog as its readers see them."""
    return [
        Change(record.offset, record.key or b"", record.value, epoch_of(record.headers))
        for record in records
    ]


class Disk(MemoryDisk):
    """A partition's RocksDB, with the offset of the changelog that it reflects."""

    def copy(self) -> Disk:
        """The disk as the next process finds it."""
        copy = Disk()
        copy.rows = dict(self.rows)
        return copy

    def _db_for_partition(self, partition: int) -> Disk:
        return self


class Table(OwnedRows):
    """The real table's way of writing, over a dict."""

    def __init__(self, world: World, app: Any, name: str) -> None:
        self.world = world
        self.app = app
        self.name = name
        self.changelog_topic_name = f"{name}-changelog"
        if name not in world.disks or world.happens(world.chances.wiped):
            world.disks[name] = Disk()
        # A process that is gone keeps its own view of the disk, as it does of a lost lock.
        world.disks[name] = self.data = world.disks[name].copy()
        self._write_all = self.data.write
        self.data.write = self._write_disk  # type: ignore[method-assign]
        self._owned = {}
        self._recover()

    def _write_disk(self, batch: Batch) -> None:
        self.world.step(f"write {self.changelog_topic_name}")
        self._write_all(batch)

    def _recover(self) -> None:
        first = int(self.data.rows.get(Disk.offset_key, b"-1")) + 1
        records = self.world.logs.get(self.changelog_topic_name, [])[first:]
        if records:
            crashes, self.world.crashes = self.world.crashes, frozenset()
            steps = len(self.world.steps)
            self.apply(0, changes(records), records[-1].offset)
            del self.world.steps[steps:]
            self.world.crashes = crashes


class Process:
    """One process: an app with one agent on one topic. Make a new one after a crash."""

    def __init__(self, world: World, topic: str) -> None:
        self.world = world
        self.topic = topic
        self.position = world.committed.get(topic, 0)
        self.app = SimpleNamespace(
            producer=Producer(world),
            consumer_generation_id=len(world.steps),
            consumer=SimpleNamespace(highwater=lambda tp: len(world.logs[tp.topic])),
            role_topics=RoleTopics(),
            changelogs=Changelogs(world),
        )
        self.fence = SimpleNamespace(check=lambda: None)

    async def handle(self, records: list[Record]) -> None:
        """What the agent does with a batch."""
        raise NotImplementedError

    def wants_tick(self) -> bool:
        """Whether the owner would send a tick now."""
        return False

    async def turn(self) -> bool:
        """Read one batch and handle it; whether there was one."""
        if self.wants_tick():
            self.world.append(self.topic, statemachine.TICK_KEY, b"{}")
        unread = self.world.logs.get(self.topic, [])[self.position :]
        if not unread:
            return False
        batch = unread[: self.world.random.randint(1, len(unread))]
        await self.handle(batch)
        self.position = batch[-1].offset + 1
        if not self.world.happens(self.world.chances.uncommitted):
            self.world.step(f"commit {self.topic}")
            self.world.committed[self.topic] = self.position
            self.committed()
        return True

    def committed(self) -> None:
        """What else the commit has changed."""


class Keyed(Process):
    """A process with a keyed state machine."""

    def __init__(
        self, world: World, topic: str, name: str, machine: statemachine.Machine[Any]
    ) -> None:
        super().__init__(world, topic)
        self.machine = machine
        self.agent: KeyedAgent[Any] = KeyedAgent(
            self.app,
            SimpleNamespace(),  # type: ignore[arg-type]
            self.fence,  # type: ignore[arg-type]
            name=name,
            topic=topic,
            table=Table(world, self.app, name),  # type: ignore[arg-type]
            machine=machine,
        )

    async def handle(self, records: list[Record]) -> None:
        event = SimpleNamespace(message=SimpleNamespace(partition=0, tp=TP(self.agent.topic, 0)))
        await self.agent.handle(records, event)  # type: ignore[arg-type]

    def wants_tick(self) -> bool:
        partition = self.agent._partitions.get(0)
        return partition is None or partition.timers.earliest() <= self.world.now

    def next_due(self) -> float:
        """When it has something to do by itself."""
        partition = self.agent._partitions.get(0)
        return self.world.now if partition is None else partition.timers.earliest()

    def states(self) -> dict[str, Any]:
        """Every state of its table."""
        return {
            key.decode(): self.machine.decode(statemachine.unpack_state(value))
            for key, value in self.agent.table.data.states().items()
        }


class Sinks(Process):
    """The process with the sink agent."""

    def __init__(self, world: World) -> None:
        super().__init__(world, topics.INCIDENTS)
        self.agent = SinkAgent(self.app, None, self.fence, [PLATFORM], partitions=1)  # type: ignore[arg-type]

    async def handle(self, records: list[Record]) -> None:
        event = SimpleNamespace(
            message=SimpleNamespace(partition=0, tp=TP(self.topic, 0), generation_id=1)
        )
        await self.agent.handle(records, event)  # type: ignore[arg-type]
