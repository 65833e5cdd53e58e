"""Workers come and go while each of Faust's steps takes a random time: nothing is read past.

What this finds depends on chance; the seed is printed, TICKETING_TEST_REBALANCE_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from faust.agents.manager import AgentManager
from support.apps import STOPS_IN_REBALANCES, Seen, app_for, config_for, running
from support.kafka import Kafka

from ticketing.engine import transport
from ticketing.engine.agent import Abandoned, add_agent
from ticketing.engine.app import create_table
from ticketing.engine.guarded import Superseded
from ticketing.engine.recovery import DurableRecovery
from ticketing.engine.table import DurableTable
from ticketing.engine.transport import BatchConsumer, BatchConsumerThread

pytestmark = [pytest.mark.kafka, *STOPS_IN_REBALANCES]

SEED = int(os.environ.get("TICKETING_TEST_REBALANCE_SEED", "20261125"))
PARTITIONS = 4
WORKERS = 3
LIVES = 8
LIFE_SECONDS_MAX = 9.0
KEYS = 50
STEPS = [
    (AIOKafkaConsumer, "committed", 0.05),
    (AgentManager, "on_rebalance", 0.3),
    (BatchConsumer, "on_partitions_assigned", 0.3),
    (BatchConsumer, "perform_seek", 0.6),
    (BatchConsumerThread, "_fetch_records", 0.1),
    (DurableRecovery, "_build_highwaters", 0.3),
    (DurableRecovery, "_seek_offsets", 0.3),
]
"""What is delayed, before and after, by up to so many seconds."""


@pytest.fixture(autouse=True)
def leftovers_collected() -> Iterator[None]:
    """Let nothing that was left open fail the next test."""
    yield
    gc.collect()


class Kept(Seen):
    """Keeps the last offset of each key in a table, and finds the one before it there."""

    table: DurableTable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.claimed: dict[int, int] = {}

    async def handle(self, records: list[Any], event: Any) -> None:
        """Look, and keep."""
        partition = event.message.partition
        stored = self.table.data._db_for_partition(partition)
        last: dict[bytes, int] = {}
        for record in records:
            key = b"%d" % (record.offset % KEYS)
            before = last.get(key, int(stored.get(key) or -1))
            assert before >= record.offset - KEYS, "the table is not recovered"
            last[key] = record.offset
        writes: list[tuple[bytes, bytes | None]] = [(k, b"%d" % at) for k, at in last.items()]
        generation = self.app.consumer_generation_id
        try:
            if self.claimed.get(partition) != generation:
                await self.table.claim(partition, generation)
                self.claimed[partition] = generation
            await self.table.write(partition, writes)
        except Superseded as error:
            raise Abandoned(str(error)) from error
        await super().handle(records, event)


def delayed(
    step: Callable[..., Awaitable[Any]], chance: random.Random, seconds: float
) -> Callable[..., Awaitable[Any]]:
    """The step, with a random wait before and behind it."""

    async def taking_its_time(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(chance.uniform(0.0, seconds) * chance.randrange(2))
        result = await step(*args, **kwargs)
        await asyncio.sleep(chance.uniform(0.0, seconds) * chance.randrange(2))
        return result

    return taking_its_time


async def test_nothing_is_read_past_however_long_each_step_takes(
    kafka: Kafka, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    left: list[str] = []
    monkeypatch.setattr(transport, "leave", lambda why, reason: left.append(why))
    # An agent that fails is the same: what it says is what counts here.
    monkeypatch.setattr("ticketing.engine.agent.leave", left.append)
    for owner, name, seconds in STEPS:
        monkeypatch.setattr(owner, name, delayed(getattr(owner, name), chance, seconds))
    topic = kafka.create(prefix, PARTITIONS)
    kafka.create(f"{prefix}-table-changelog", PARTITIONS, cleanup_policy="compact")
    ended = asyncio.Event()

    async def produce() -> None:
        while not ended.is_set():
            values = [b"x"] * chance.randrange(1, 40)
            await asyncio.to_thread(kafka.produce, topic, values)

    async def come_and_go(name: str) -> int:
        directory = tmp_path / name
        directory.mkdir()
        seen = 0
        for _ in range(LIVES):
            app = app_for(
                prefix, topic, config_for(directory, kafka.address), partitions=PARTITIONS
            )
            agent = Kept(app)
            agent.table = create_table(app, "table", PARTITIONS)
            add_agent(app, agent, topic)
            async with running(app):
                await asyncio.sleep(chance.uniform(0.5, LIFE_SECONDS_MAX))
            seen += len(agent.records)
        return seen

    producing = asyncio.create_task(produce())
    seen = await asyncio.gather(*(come_and_go(f"w{number}") for number in range(WORKERS)))
    ended.set()
    await producing
    assert not left
    assert sum(seen) >= sum(kafka.ends(topic).values()) // 2, "hardly any was read"
