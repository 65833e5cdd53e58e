"""The harness itself: what the other tests stand on."""

from __future__ import annotations

from itertools import islice

from support.fleet import Fleet
from support.kafka import Kafka
from support.redis import RedisServer
from support.waiting import wait_for

from ticketing.demo.traffic import Traffic


def test_a_broker_keeps_its_data_and_its_port_over_a_restart(broker: Kafka) -> None:
    topic = broker.create("kept", 2)
    broker.produce(topic, [b"one", b"two", b"three"])
    broker.restart()
    broker.produce(topic, [b"four"], partition=1)
    assert sorted(record.value() for record in broker.read(topic)) == [
        b"four",
        b"one",
        b"three",
        b"two",
    ]
    assert broker.ends(topic) == {0: 2, 1: 2}


def test_a_redis_comes_back_empty(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.set("a", "1")
    own_redis.stop()
    own_redis.start()
    with own_redis.client() as client:
        assert client.get("a") is None


def test_a_fleet_runs_the_job_and_knows_its_counts(fleet: Fleet) -> None:
    fleet.with_sandbox("pagerduty")
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view", "pagerduty")
    worker.wait_ready()
    lines = list(islice(Traffic(seed=5).logs(1_700_000_000.0, 50.0), 3000))
    fleet.feed(lines)
    wanted = sum(
        float(line.rsplit(b'"anomaly_score":', 1)[1].split(b",")[0].rstrip(b"}")) >= 0.85
        for line in lines
    )
    incidents = fleet.wait_counted(wanted)
    critical = {i.id for i in incidents.values() if i.severity.value == "critical"}
    assert critical
    tickets = fleet.wait_tickets(lambda found: len(found) >= len(critical), "a ticket each")
    assert {ticket["correlation"] for ticket in tickets} == critical
    wait_for(lambda: worker.metrics().get("ticketing_records_total") == 3000, "all records")
    wait_for(lambda: len(worker.incidents()) == len(incidents), "each incident in the API")
