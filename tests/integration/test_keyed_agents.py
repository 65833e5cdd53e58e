"""A keyed state machine on a real broker: its clock, its owner's claim, its table read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.apps import app_for, config_for, running
from support.kafka import Kafka
from support.waiting import until

from ticketing.engine.app import create_table
from ticketing.engine.keyed_agent import KeyedAgent, add_keyed_agent
from ticketing.engine.statemachine import Machine, Transaction

pytestmark = pytest.mark.kafka

PARTITIONS = 4
SECONDS_MAX = 60.0


class Alarms(Machine[list[float]]):
    """A message `KEY SECONDS` adds an alarm; the state has the times of those that have not rung."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, float]] = []

    def encode(self, state: list[float]) -> bytes:
        return b"[%s]" % b",".join(b"%.3f" % at for at in state)

    def decode(self, value: bytes) -> list[float]:
        return [float(at) for at in value.strip(b"[]").split(b",") if at]

    def apply(self, tx: Transaction[list[float]], value: bytes) -> None:
        key, seconds = value.decode().split()
        known = sorted([*(tx.get(key) or []), tx.now + float(seconds)])
        tx.put(key, known, due=known[0])

    def due(self, tx: Transaction[list[float]], key: str, state: list[float]) -> None:
        for at in [at for at in state if at <= tx.now]:
            tx.after(lambda at=at: self.rung.append((key, tx.now - at)))  # type: ignore[misc]
        left = [at for at in state if at > tx.now]
        if left:
            tx.put(key, left, due=left[0])
        else:
            tx.delete(key)


def agent_on(app: Any) -> KeyedAgent[list[float]]:
    table = create_table(app, "table", PARTITIONS)
    topic = app.conf.id
    agent = KeyedAgent(
        app, app.watchdog, app.fence, name="alarms", topic=topic, table=table, machine=Alarms()
    )
    add_keyed_agent(app, agent)
    return agent


async def rung_by(kafka: Kafka, topic: str, directory: Path, expected: int) -> list[Any]:
    """The alarms that a worker of its own disk rings, until it has rung so many."""
    app = app_for(topic, topic, config_for(directory, kafka.address), partitions=PARTITIONS)
    agent: Any = agent_on(app)

    def done() -> bool:
        """All have rung, by the partition's clock, on a partition that was claimed."""
        rung = len(agent.machine.rung) >= expected
        return rung and agent._now(0) is not None and 0 in agent.table._owned

    async with running(app):
        await until(done, "alarms", SECONDS_MAX)
    return list(agent.machine.rung)


async def test_alarms_ring_once_and_on_time_through_the_loss_of_a_disk(
    kafka: Kafka, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    topic = kafka.create(prefix, PARTITIONS, message_timestamp_type="LogAppendTime")
    kafka.create(f"{prefix}-table-changelog", PARTITIONS, cleanup_policy="compact")
    kafka.produce(topic, [b"key-%d %d" % (n, 1 + n % 2) for n in range(200)])
    kafka.produce(topic, [b"later 8"])
    first = await rung_by(kafka, topic, tmp_path_factory.mktemp("a"), 200)
    rest = await rung_by(kafka, topic, tmp_path_factory.mktemp("b"), 201 - len(first))
    keys = sorted(key for key, _ in [*first, *rest])
    assert keys == sorted([f"key-{n}" for n in range(200)] + ["later"])
    assert all(late >= 0.0 for _, late in [*first, *rest])
