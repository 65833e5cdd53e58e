"""The numbers add up over all workers' metrics, whatever was killed, moved, rewound or made again."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from support.fleet import INPUT, PARTITIONS, Fleet, Worker
from support.kafka import Kafka
from support.logs import anomalies, log, traffic
from support.waiting import wait_for

from ticketing.api.balance import KafkaBalance, Records
from ticketing.wire.topics import EVENTS, PIPELINE_APP, SIGNALS

pytestmark = pytest.mark.kafka

WAVES = 8
RECORDS = 2_500
"""Of a wave: some batches of each partition."""
BAD = [b"not JSON", log(score=7), b"", log(service="")] * 5


class Balance:
    """The sums over the metrics of a fleet's workers."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def sums(self) -> dict[str, int]:
        """Records read and what became of them."""
        found = [worker.metrics() for worker in self.fleet.workers.values()]

        def total(name: str) -> int:
            return int(sum(one.get(f"ticketing_{name}_total", 0) for one in found))

        return {
            "records": total("records"),
            "below": total("records_below_threshold"),
            "counted": total("anomalies_counted"),
            "dead": total("records_dead_lettered"),
        }

    def wait(self, lines: list[bytes], bad: int) -> None:
        """Wait until the sums are those of what was fed."""
        counted = anomalies(lines)
        wanted = {
            "records": len(lines) + bad,
            "below": len(lines) - counted,
            "counted": counted,
            "dead": bad,
        }
        wait_for(
            lambda: self.sums() == wanted,
            lambda: f"{wanted}, not {self.sums()}\n{self.fleet.tails()}",
        )
        found = asyncio.run(self.of_the_api())
        assert found is not None
        assert list(found.shown().values()) == list(wanted.values()), found

    async def of_the_api(self) -> Records | None:
        """The sums as the API tells them, on whichever host."""
        api = KafkaBalance(self.fleet.runtime())
        try:
            return await api.read()
        finally:
            await api.close()


def rewind(kafka: Kafka, topic: str, offset: int) -> None:
    """Take the group's offsets of a topic back; the group must have no members."""
    places = [TopicPartition(topic, number, offset) for number in range(PARTITIONS)]
    wanted = [ConsumerGroupTopicPartitions(PIPELINE_APP, places)]
    for future in kafka.admin.alter_consumer_group_offsets(wanted).values():
        future.result(30)


def killed(worker: Worker) -> None:
    """Kill -9, between two commits; a process that is just being started again is waited for."""
    role = worker.roles["pipeline"]
    wait_for(lambda: role.end(signal.SIGKILL) is not None, "a process to kill")


def test_they_add_up_after_workers_were_killed_under_load(fleet: Fleet) -> None:
    fleet.create_topics()
    workers = [
        fleet.worker(name, "pipeline", keep=True, kafka={"groupInstanceId": name})
        for name in ("a", "b")
    ]
    for worker in workers:
        worker.wait_ready()
    chance = random.Random(13)
    lines: list[bytes] = []
    for wave in range(WAVES):
        more = traffic(RECORDS, seed=wave)
        lines += more
        fleet.feed([*more[:1_000], *BAD, *more[1_000:]])
        worker = chance.choice(workers)
        begun = worker.metrics().get("ticketing_batch_records_total{agent=detection}", 0)
        wait_for(
            lambda worker=worker, begun=begun: (  # type: ignore[misc]
                worker.metrics().get("ticketing_batch_records_total{agent=detection}", 0) > begun
                or not worker.roles["pipeline"].running
            ),
            "a batch of this wave",
        )
        killed(worker)
    fleet.wait_counted(anomalies(lines))
    balance = Balance(fleet)
    balance.wait(lines, WAVES * len(BAD))
    assert sum(len(worker.roles["pipeline"].exits) for worker in workers) >= WAVES

    # All partitions move to one of them.
    workers[1].stop()
    balance.wait(lines, WAVES * len(BAD))
    workers[0].restart("pipeline")
    balance.wait(lines, WAVES * len(BAD))


def test_they_add_up_after_offsets_were_lost_and_the_input_was_made_again(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", keep=True)
    worker.wait_ready()
    balance = Balance(fleet)
    lines = traffic(2_000)
    fleet.feed([*lines, *BAD])
    balance.wait(lines, len(BAD))

    for topic in (INPUT, SIGNALS, EVENTS):
        worker.stop("pipeline")
        rewind(fleet.kafka, topic, 0)
        worker.kept.add("pipeline")
        worker.start("pipeline")
        wait_for(lambda: fleet.lag(PIPELINE_APP, INPUT) == 0, "the end of the replay")
        balance.wait(lines, len(BAD))

    fleet.kafka.delete(INPUT)
    fleet.kafka.create(INPUT, PARTITIONS)
    again = traffic(500, seed=6)
    fleet.feed(again)
    balance.wait(again, 0)
