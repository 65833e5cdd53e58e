"""A group's lag is what lies behind its committed offsets; a broker that tells little is no error."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from support.mock_cluster import MockCluster

from ticketing.config.model import Config
from ticketing.errors import Unavailable
from ticketing.kafka.consumers import (
    AWAY,
    UNKNOWN,
    Consumers,
    GroupSeen,
    TopicRead,
    _answer,
    _description,
    _seen,
)
from ticketing.kafka.runtime import Runtime

INPUT = "enriched-logs"


class Ended:
    """A future that has an answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def result(self, seconds: float) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    made = Runtime.of(Config.model_validate({}))
    made.ensure_topics()
    return made


def test_lag_is_counted_from_the_committed_offsets(runtime: Runtime) -> None:
    producer = Producer(runtime.client())
    for partition in (0, 0, 0, 0, 1, 1):
        producer.produce(INPUT, b"x", partition=partition)
    assert producer.flush(30) == 0
    consumers = Consumers(runtime)
    before = consumers.look({"ticketing": [INPUT, "nothing"]})["ticketing"]
    assert before.topics == (TopicRead(INPUT, 4, 0, None),), "nothing is committed yet"
    group = Consumer({**runtime.client(), "group.id": "ticketing"})
    group.commit(offsets=[TopicPartition(INPUT, 0, 3)], asynchronous=False)
    group.close()
    (read,) = consumers.look({"ticketing": [INPUT]})["ticketing"].topics
    assert read.lag == 1 + 2, "of partition 1 nothing is handled"
    assert consumers.kept(INPUT) == 6
    assert consumers.kept("nothing") == 0


def test_members_are_counted_with_the_partitions_that_they_own() -> None:
    def member(host: str, *places: tuple[str, int]) -> Any:
        owned = [SimpleNamespace(topic=topic, partition=number) for topic, number in places]
        return SimpleNamespace(host=host, assignment=SimpleNamespace(topic_partitions=owned))

    described = SimpleNamespace(
        state=SimpleNamespace(name="STABLE"),
        members=[member("/b", (INPUT, 0)), member("/a", (INPUT, 1)), member("/a")],
    )
    bounds = {(INPUT, 0): (0, 5), (INPUT, 1): (2, 9)}
    led = {INPUT: {0: True, 1: True}}
    found = _seen("stable", described, [INPUT], led, bounds, {(INPUT, 0): 5})
    assert found == GroupSeen("stable", 3, ("/a", "/b"), (TopicRead(INPUT, 2, 2, 7),))


def test_a_partition_without_a_leader_is_told_and_hides_no_other() -> None:
    with MockCluster() as cluster:
        cluster.create(INPUT, 4)
        runtime = Runtime.of(Config.model_validate({"kafka": {"brokers": cluster.address}}))
        producer = Producer(runtime.client())
        for partition in (0, 1, 2, 2, 3):
            producer.produce(INPUT, b"x", partition=partition)
        assert producer.flush(30) == 0
        group = Consumer({**runtime.client(), "group.id": "ticketing"})
        group.commit(offsets=[TopicPartition(INPUT, 0, 1)], asynchronous=False)
        group.close()
        cluster.set_leader(INPUT, 1, None)
        consumers = Consumers(runtime)
        (read,) = consumers.look({"ticketing": [INPUT]})["ticketing"].topics
        assert (read.partitions, read.leaderless) == (4, (1,))
        assert read.lag == 2 + 1, "of the partitions with a leader"
        assert consumers.kept(INPUT) == 4


@pytest.mark.parametrize(
    ("code", "state"), [("_TIMED_OUT", AWAY), ("_UNSUPPORTED_FEATURE", UNKNOWN)]
)
def test_a_group_whose_coordinator_is_away_is_no_silent_broker(code: str, state: str) -> None:
    future: Future[Any] = Future()
    future.set_exception(KafkaException(KafkaError(getattr(KafkaError, code))))
    assert _description(future, 0.0) == (state, None)


@pytest.mark.parametrize("code", ["GROUP_AUTHORIZATION_FAILED", "_UNSUPPORTED_FEATURE"])
def test_what_the_broker_may_not_tell_is_left_out(code: str) -> None:
    refused = KafkaException(KafkaError(getattr(KafkaError, code)))
    assert _answer(Ended(refused), 0.0) is None


def test_a_broker_that_does_not_answer_is_told() -> None:
    silent = KafkaException(KafkaError(KafkaError._TRANSPORT))
    with pytest.raises(Unavailable):
        _answer(Ended(silent), 0.0)
    with pytest.raises(Unavailable, match="does not answer"):
        _answer(Ended(NoAnswer()), 0.0)
