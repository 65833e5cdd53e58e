"""Replays, refusals, cuts and new topics on a real broker: every record counts once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from support import dying_worker
from support.fleet import INPUT, PARTITIONS, Fleet
from support.kafka import Kafka
from support.logs import anomalies, log, traffic
from support.waiting import wait_for

from ticketing.engine.departure import EXIT_HUNG
from ticketing.wire.topics import EVENTS, INCIDENTS, SIGNALS, changelog_topic

pytestmark = pytest.mark.kafka

GROUP = "ticketing"
CHANGELOGS = [changelog_topic(GROUP, table) for table in ("alerts", "incidents")]


def totals(metrics_text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics_text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def test_records_in_are_below_counted_or_dead_and_the_metrics_say_so(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    good = traffic(20_000)
    bad = [b"not JSON", log(score=7), b""] * 50
    fleet.feed([*good[:10_000], *bad, *good[10_000:]])
    counted = anomalies(good)
    fleet.wait_counted(counted)

    def settled() -> bool:
        found = totals(worker.get("/metrics")[1])
        return (
            found.get("ticketing_anomalies_counted_total") == counted
            and found.get("ticketing_records_total") == 20_150
        )

    wait_for(settled, "the metrics of what was counted")
    found = totals(worker.get("/metrics")[1])
    assert found["ticketing_records_below_threshold_total"] == 20_000 - counted
    assert found["ticketing_records_dead_lettered_total"] == 150
    assert len(fleet.dead_letters()) == 150
    wait_for(lambda: fleet.lag(GROUP, INPUT) == 0, "the commits")


def test_what_is_replayed_counts_no_second_time_and_what_is_repeated_does(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    lines = traffic(5_000)
    fleet.feed(lines)
    counted = anomalies(lines)
    before = fleet.wait_counted(counted)
    worker.stop("pipeline")
    # The offsets of the input are lost: all of it is read again, in other batches.
    rewind(fleet.kafka, INPUT)
    worker.start("pipeline")
    worker.wait_ready()
    wait_for(lambda: fleet.lag(GROUP, INPUT) == 0, "the end of the replay")
    fleet.feed([log("the end of the replay")] * PARTITIONS)
    after = fleet.wait_counted(counted + PARTITIONS)
    assert {id: one.count for id, one in before.items()}.items() <= {
        id: one.count for id, one in after.items()
    }.items()
    worker.stop("pipeline")
    # And those of the signals and events: both machines see all of their messages again.
    rewind(fleet.kafka, SIGNALS)
    rewind(fleet.kafka, EVENTS)
    worker.start("pipeline")
    fleet.feed(lines)
    again = fleet.wait_counted(2 * counted + PARTITIONS)
    assert set(again) == set(after)


def rewind(kafka: Kafka, topic: str) -> None:
    """Take a group's offsets of a topic back to the beginning; it must have no members."""
    places = [TopicPartition(topic, number, 0) for number in range(kafka.topics()[topic])]
    wanted = [ConsumerGroupTopicPartitions(GROUP, places)]
    for future in kafka.admin.alter_consumer_group_offsets(wanted).values():
        future.result(30)


def test_a_topic_made_anew_goes_on_counting(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", keep=True)
    lines = [log(service=f"service-{number % 10}") for number in range(1_000)]
    fleet.feed(lines)
    before = fleet.wait_counted(1_000)
    fleet.kafka.delete(INPUT)
    fleet.kafka.create(INPUT, PARTITIONS)
    # Fewer than before: a reader that kept its position would see none of them.
    fleet.feed(lines[:400])
    after = fleet.wait_counted(1_400)
    assert set(after) == set(before)
    assert "was deleted and created again" in worker.log("pipeline")


@pytest.mark.parametrize("topic", [SIGNALS, EVENTS, INCIDENTS, *CHANGELOGS])
def test_a_produce_that_fails_ends_the_process_and_the_replay_counts_exactly(
    fleet: Fleet, topic: str
) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    lines = [log(service=f"service-{number % 10}") for number in range(1_000)]
    fleet.feed(lines)
    before = fleet.wait_counted(1_000)
    wait_for(lambda: fleet.lag(GROUP, INPUT, SIGNALS, EVENTS) == 0, "the commits")
    fleet.kafka.take_nothing(topic)
    fleet.feed(lines)
    assert worker.roles["pipeline"].wait_ended() == EXIT_HUNG
    assert "leaving" in worker.log("pipeline")
    fleet.kafka.take_again(topic, "LogAppendTime" if topic in (SIGNALS, EVENTS) else "CreateTime")
    fleet.feed(lines)
    worker.start("pipeline")
    after = fleet.wait_counted(3_000)
    assert set(after) == set(before)


def test_a_death_between_a_table_write_and_its_publish_is_made_good(fleet: Fleet) -> None:
    fleet.create_topics()
    flag = fleet.directory / "die"
    worker = fleet.worker("a", "pipeline", start=False)
    process = worker.roles["pipeline"]
    process.command = [sys.executable, str(Path(dying_worker.__file__)), "pipeline", str(flag)]
    process.start()
    fleet.feed([log(service=f"service-{number}") for number in range(20)])
    before = fleet.wait_counted(20)
    # By itself the clock brings the ticket of what has just opened: a tick's write.
    wait_for(lambda: all(one.ticketed for one in fleet.incidents().values()), "the tickets")
    flag.touch()
    fleet.feed([log("another fault", service=f"service-{number}") for number in range(20)])
    assert process.wait_ended() == -9
    assert not flag.exists()
    worker.start("pipeline")
    after = fleet.wait_counted(40)
    assert set(before) < set(after)
    wait_for(lambda: all(one.ticketed for one in fleet.incidents().values()), "all tickets")


def test_a_broker_that_restarts_costs_time_and_nothing_else(fleet: Fleet) -> None:
    fleet.create_topics()
    fleet.worker("a", "pipeline", keep=True).wait_ready()
    lines = [log(service=f"service-{number % 10}") for number in range(2_000)]
    fleet.feed(lines)
    fleet.kafka.restart()
    fleet.feed(lines)
    before = fleet.wait_counted(4_000)
    fleet.kafka.kill()
    fleet.kafka.start()
    fleet.feed(lines)
    assert set(fleet.wait_counted(6_000)) == set(before)


@pytest.mark.crash
def test_a_generated_million_is_counted_to_the_last_record(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    lines = traffic(20_000)

    def million() -> Iterator[bytes]:
        for _ in range(50):
            yield from lines

    began = time.monotonic()
    fed = fleet.feed(islice(million(), 1_000_000), compression_type="lz4", batch_size=500_000)
    assert fed == 1_000_000
    counted = 50 * anomalies(lines)
    fleet.wait_counted(counted, 600)
    wait_for(lambda: worker.metrics().get("ticketing_records_total") == 1_000_000, "the commits")
    metrics = worker.metrics()
    assert metrics["ticketing_records_below_threshold_total"] == 1_000_000 - counted
    print(json.dumps({"records": fed, "counted": counted, "seconds": time.monotonic() - began}))
