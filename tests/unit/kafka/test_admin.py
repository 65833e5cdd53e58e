"""What the broker says of topics, and what it will not say."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ticketing.errors import Unavailable
from ticketing.kafka import admin
from ticketing.kafka.admin import NO_ID, Seen, Topics


def answered(value: Any = None, error: int | None = None) -> Future[Any]:
    future: Future[Any] = Future()
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(KafkaException(KafkaError(error)))
    return future


class Broker:
    """An AdminClient of a broker with the topic `a`."""

    ids: Any = answered(SimpleNamespace(topic_id="x1", partitions=[0, 1]))
    settings: Any = answered({"retention.ms": SimpleNamespace(value="5")})

    def __init__(self, *_: Any) -> None:
        pass

    def list_topics(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(topics={"a": SimpleNamespace(partitions={0: 0, 1: 1})})

    def describe_topics(self, topics: Any, **_: Any) -> Any:
        return dict.fromkeys(("a",), self.ids)

    def describe_configs(self, resources: list[Any]) -> Any:
        return dict.fromkeys(resources, self.settings)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Any:
    def of(**answers: Any) -> Topics:
        monkeypatch.setattr(admin, "AdminClient", type("Fake", (Broker,), answers))
        return Topics({})

    return of


def test_a_topic_is_seen_with_its_id_its_partitions_and_the_settings_asked_for(topics: Any) -> None:
    broker = topics()
    assert broker.look(["a", "b"], ["retention.ms", "cleanup.policy"]) == {
        "a": Seen(2, "x1", {"retention.ms": "5"})
    }
    assert broker.identities(["a"]) == {"a": Seen(2, "x1")}
    assert broker.unchecked == {}


@pytest.mark.parametrize(
    "error", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED]
)
def test_what_a_broker_forbids_is_noted_and_stops_nothing(topics: Any, error: int) -> None:
    broker = topics(settings=answered(error=error), ids=answered(error=error))
    assert broker.look(["a"], ["retention.ms"]) == {"a": Seen(2, "", None)}
    assert set(broker.unchecked) == {"ids of topics", "settings of topics"}
    assert broker.identities(["a"]) == {}


def test_a_broker_that_does_not_answer_is_not_taken_for_one_that_forbids(topics: Any) -> None:
    for name in ("settings", "ids"):
        broker = topics(**{name: answered(error=KafkaError.REQUEST_TIMED_OUT)})
        with pytest.raises(Unavailable):
            broker.look(["a"], ["retention.ms"])


def test_a_broker_without_topic_ids_gives_none(topics: Any) -> None:
    broker = topics(ids=answered(SimpleNamespace(topic_id=NO_ID, partitions=[0, 1])))
    assert broker.look(["a"]) == {"a": Seen(2, "")}


def test_a_topic_that_is_gone_is_left_out(topics: Any) -> None:
    broker = topics(ids=answered(error=KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert broker.identities(["a"]) == {}
