"""Batched consumption on a real broker: everything once per generation, in order, to the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from faust.types import TP
from support.apps import Seen, app_for, config_for, running, seen_by
from support.kafka import Kafka
from support.waiting import until

from ticketing import metrics
from ticketing.engine import transport
from ticketing.engine.agent import add_agent
from ticketing.engine.app import create_table
from ticketing.engine.batch import TOGETHER_BYTES_MAX

pytestmark = pytest.mark.kafka


async def test_a_first_fetch_of_one_record_is_committed(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix)
    kafka.produce(topic, [b"alone"])
    async with seen_by(prefix, topic, config_for(tmp_path, kafka.address)) as seen:
        await until(lambda: kafka.committed(prefix, topic) == {0: 1}, "the commit of the first one")
        await asyncio.to_thread(kafka.produce, topic, [b"%d" % n for n in range(1500)])
        await until(lambda: kafka.committed(prefix, topic) == {0: 1501}, "the commit of the rest")
    assert seen.values == [b"alone", *(b"%d" % n for n in range(1500))]


async def test_runs_come_in_order_without_repeats_and_commits_reach_the_end(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix, 3)
    kafka.produce(topic, [b"x" * 100] * 30_000)
    async with seen_by(prefix, topic, config_for(tmp_path, kafka.address)) as seen:
        ends = {0: 10_000, 1: 10_000, 2: 10_000}
        await until(lambda: kafka.committed(prefix, topic) == ends, "commits to the end")
    for partition in range(3):
        assert seen.offsets(partition) == list(range(10_000))
    assert len(seen.runs) < 3_000, "records came one by one"


async def test_a_restart_goes_on_where_the_last_one_stopped(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix)
    config = config_for(tmp_path, kafka.address)
    kafka.produce(topic, [b"%d" % n for n in range(100)])
    async with seen_by(prefix, topic, config) as first:
        await until(lambda: len(first.records) == 100, "the first hundred")
    assert kafka.committed(prefix, topic) == {0: 100}, "an orderly stop commits what was handled"
    kafka.produce(topic, [b"%d" % n for n in range(100, 150)])
    async with seen_by(prefix, topic, config) as second:
        await until(lambda: len(second.records) >= 50, "the rest")
    assert second.offsets(0) == list(range(100, 150))


async def test_records_deleted_while_nobody_read_are_counted(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix)
    config = config_for(tmp_path, kafka.address)
    kafka.produce(topic, [b"%d" % n for n in range(100)])
    async with seen_by(prefix, topic, config) as first:
        await until(lambda: len(first.records) == 100, "the first hundred")
    kafka.produce(topic, [b"%d" % n for n in range(100, 150)])
    for future in kafka.admin.delete_records([TopicPartition(topic, 0, 130)]).values():
        future.result(30)
    expired = metrics.messages_expired_total.labels(topic, "0")._value
    async with seen_by(prefix, topic, config) as second:
        await until(lambda: len(second.records) >= 20, "what is left")
        await until(lambda: expired.get() == 30, "the count of those that are gone")
    assert second.offsets(0) == list(range(130, 150))


async def test_records_of_aborted_transactions_are_not_read(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix)
    producer = Producer({**kafka.client, "transactional.id": prefix})
    producer.init_transactions(30)
    for number in range(6):
        producer.begin_transaction()
        for record in range(10):
            producer.produce(topic, b"%d %d" % (number, record))
        if number % 2:
            producer.flush(30)
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    kafka.produce(topic, [b"last"])
    end = kafka.ends(topic)
    async with seen_by(prefix, topic, config_for(tmp_path, kafka.address)) as seen:
        await until(lambda: kafka.committed(prefix, topic) == end, "the commit behind all markers")
    wanted = [b"%d %d" % (number, record) for number in (0, 2, 4) for record in range(10)]
    assert seen.values == [*wanted, b"last"]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_is_read(
    kafka: Kafka, prefix: str, tmp_path: Path, codec: str
) -> None:
    topic = kafka.create(prefix)
    values = [b"%d of a text that compresses well, as logs do" % n for n in range(500)]
    kafka.produce(topic, values, compression_type=codec)
    async with seen_by(prefix, topic, config_for(tmp_path, kafka.address)) as seen:
        await until(lambda: len(seen.records) == 500, "five hundred records")
    assert seen.values == values


async def test_a_record_of_ten_megabytes_is_read_with_its_neighbours(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix, max_message_bytes=20_000_000)
    kafka.produce(topic, [b"before", b"x" * 10_000_000, b"after"])
    async with seen_by(prefix, topic, config_for(tmp_path, kafka.address)) as seen:
        await until(lambda: kafka.committed(prefix, topic) == {0: 3}, "the commit")
    assert [len(value) for value in seen.values] == [6, 10_000_000, 5]


class Slow(Seen):
    """Takes its time, so that a rebalance finds it in the middle of something."""

    async def handle(self, records: list[object], event: object) -> None:
        await asyncio.sleep(0.02)
        await super().handle(records, event)


async def test_workers_that_join_and_leave_lose_nothing(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix, 4)
    total = 20_000

    def produce() -> None:
        for start in range(0, total, 500):
            kafka.produce(topic, [b"%d" % n for n in range(start, start + 500)])

    def config(name: str) -> object:
        base = tmp_path / name
        base.mkdir()
        return config_for(base, kafka.address)

    agents: list[Seen] = []
    producing = asyncio.create_task(asyncio.to_thread(produce))
    async with seen_by(prefix, topic, config("a"), Slow) as first:
        agents.append(first)
        await until(lambda: len(first.records) > 1_000, "work for the first")
        async with seen_by(prefix, topic, config("b"), Slow) as second:
            agents.append(second)
            await until(lambda: len(second.records) > 500, "work for the second")
        async with seen_by(prefix, topic, config("c"), Slow) as third:
            agents.append(third)
            await producing
            ends = kafka.ends(topic)
            await until(lambda: kafka.committed(prefix, topic) == ends, "commits to the end")
    seen = [record.value for agent in agents for record in agent.records]
    assert {int(value) for value in seen} == set(range(total))


class Held(Seen):
    """Holds every run until it is let go."""

    gate: asyncio.Event

    async def handle(self, records: list[object], event: object) -> None:
        await super().handle(records, event)
        await self.gate.wait()


async def test_a_partition_is_caught_up_behind_markers_and_restarts(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic, tp = kafka.create(prefix), TP(prefix, 0)
    config = config_for(tmp_path, kafka.address)
    producer = Producer({**kafka.client, "transactional.id": prefix})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"one")
    producer.commit_transaction(30)
    Held.gate = asyncio.Event()
    async with seen_by(prefix, topic, config, Held) as held:
        await until(lambda: len(held.records) == 1, "the record")
        assert not held.app.consumer.caught_up(tp), "it is read, but not handled"
        Held.gate.set()
        await until(lambda: held.app.consumer.caught_up(tp), "nothing left but a marker")
    async with seen_by(prefix, topic, config) as again:
        await until(lambda: again.app.consumer.caught_up(tp), "nothing to read after a restart")
        assert again.records == []


async def test_what_is_read_while_a_recovery_ends_reaches_the_agent(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix)
    # Only where there is something to recover does the flow go on before the end of it.
    kafka.produce(
        kafka.create(f"{prefix}-table-changelog", cleanup_policy="compact"), [b"state"], key=b"key"
    )
    Held.gate = asyncio.Event()
    app = app_for(prefix, topic, config_for(tmp_path, kafka.address))
    create_table(app, "table", 1)
    held = Held(app)
    add_agent(app, held, topic)
    perform_seek, on_partitions_assigned = (
        app.consumer.perform_seek,
        app.consumer.on_partitions_assigned,
    )
    sought, arriving = 0, [b"0", b"1"]

    def read() -> int:
        return int(app.consumer.scheduler.taken.get(TP(topic, 0), -1))

    async def slowly() -> None:
        """Stay between the last seek and the agents, while records arrive."""
        nonlocal sought
        await perform_seek()
        sought += 1
        while sought == 2 and arriving:
            await asyncio.to_thread(kafka.produce, topic, [arriving.pop(0)])

    async def assigned(partitions: set[TP], generation_id: int = 0) -> None:
        """A group may be joined twice, and then the first recovery does not come to its end."""
        nonlocal sought
        sought = 0
        await on_partitions_assigned(partitions, generation_id)

    app.consumer.perform_seek, app.consumer.on_partitions_assigned = slowly, assigned
    async with running(app):
        await until(lambda: read() == 1, "both to be read")
        Held.gate.set()
        await until(lambda: kafka.committed(prefix, topic) == {0: 2}, "the commit of both")
    assert held.values == [b"0", b"1"]


async def test_the_flow_stands_still_between_two_assignments(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = kafka.create(prefix, 2)
    table = kafka.create(f"{prefix}-table-changelog", 2, cleanup_policy="compact")
    kafka.produce(table, [b"state"], key=b"key")
    agents = []
    for name in ("first", "second"):
        base = tmp_path / name
        base.mkdir()
        app = app_for(prefix, topic, config_for(base, kafka.address), partitions=2)
        create_table(app, "table", 2)
        agents.append(Seen(app))
        add_agent(app, agents[-1], topic)
    first, second = (agent.app for agent in agents)
    consumer = first.consumer
    perform_seek, on_partitions_revoked = consumer.perform_seek, consumer.on_partitions_revoked
    on_partitions_assigned, resume_flow = consumer.on_partitions_assigned, consumer.resume_flow
    seeking, revoked, resumed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    flows = []

    async def seek() -> None:
        """A recovery is about to end when the next rebalance begins."""
        await perform_seek()
        seeking.set()
        await revoked.wait()

    async def revoke(partitions: set[TP]) -> None:
        await on_partitions_revoked(partitions)
        if partitions:
            revoked.set()
            await resumed.wait()

    async def assign(partitions: set[TP], generation_id: int = 0) -> None:
        flows.append(consumer.flow_active)
        await on_partitions_assigned(partitions, generation_id)

    def resume() -> None:
        resume_flow()
        if revoked.is_set():
            resumed.set()

    consumer.perform_seek, consumer.resume_flow = seek, resume
    consumer.on_partitions_revoked, consumer.on_partitions_assigned = revoke, assign
    starting = asyncio.create_task(first.start())
    await seeking.wait()
    async with running(second):
        await starting
        await until(lambda: len(flows) == 2, "the second assignment")
        assert not flows[1]
        values = [b"%d" % number for number in range(10)]
        await asyncio.to_thread(kafka.produce, topic, values)
        await until(
            lambda: {value for agent in agents for value in agent.values} == set(values),
            "everything to be seen",
        )
    await first.stop()


async def test_what_is_paused_is_not_read(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    topic = kafka.create(prefix, 2)
    first, second = TP(topic, 0), TP(topic, 1)
    app = app_for(prefix, topic, config_for(tmp_path, kafka.address), partitions=2)
    seen = Seen(app)
    add_agent(app, seen, topic)
    async with running(app):
        consumer = app.consumer
        await until(lambda: consumer.assignment() >= {first, second}, "both partitions")
        await until(lambda: not app.rebalancing, "the flow")
        consumer.pause_partitions([first, second])
        active = {first}
        reading = asyncio.create_task(consumer._getmany(active_partitions=active, timeout=3.0))
        await asyncio.sleep(0)
        # As Faust does at the end of a recovery, while the consumer's thread waits for records.
        active.clear()
        await asyncio.to_thread(kafka.produce, topic, [b"kept"], partition=1)
        assert second not in await reading
        assert await consumer._getmany(active_partitions=set(), timeout=3.0) == {}
        consumer.resume_partitions([second])
        await until(lambda: seen.values == [b"kept"], "the record")


async def test_what_was_thrown_away_is_not_committed_over(
    kafka: Kafka, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []

    def leave(why: str, reason: str) -> None:
        """In place of the process's end: nothing goes on."""
        left.append(why)
        Held.gate.clear()

    monkeypatch.setattr(transport, "leave", leave)
    topic = kafka.create(prefix)
    config = config_for(tmp_path, kafka.address)
    Held.gate = asyncio.Event()
    # The first is handled, the second waits, and no more is taken from the queue.
    values = [b"0", b"1" * TOGETHER_BYTES_MAX, b"2", b"3"]
    async with seen_by(prefix, topic, config, Held) as held:
        for number, value in enumerate(values):
            await asyncio.to_thread(kafka.produce, topic, [value])
            taken = held.app.consumer.scheduler.taken
            await until(lambda n=number, t=taken: t.get(TP(topic, 0)) == n, f"record {number}")
            if number == 2:
                held.app.flow_control.clear()
        Held.gate.set()
        await until(lambda: left, "the agent to notice")
        # An orderly stop would wait for what was thrown away.
        held.app.consumer._unacked_messages.clear()
    assert left == [f"{topic}[0]: records up to offset 2 were fetched but never reached the agent"]
    assert kafka.committed(prefix, topic) == {0: 2}
    async with seen_by(prefix, topic, config) as again:
        await until(lambda: kafka.committed(prefix, topic) == {0: 4}, "the commit of the rest")
    assert again.values == [b"2", b"3"]
