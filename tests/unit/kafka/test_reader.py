"""Reading that Kafka does not allow is told as such: a silent broker would be waited for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ticketing.errors import Unavailable
from ticketing.kafka import reader
from ticketing.kafka.reader import TopicReader


class Refusing:
    """A consumer that may ask for offsets and not for records."""

    def __init__(self, settings: dict[str, Any]) -> None:
        pass

    def assign(self, places: list[Any]) -> None:
        pass

    def position(self, places: list[Any]) -> list[Any]:
        return [SimpleNamespace(offset=0)]

    def poll(self, seconds: float) -> Any:
        return SimpleNamespace(error=lambda: KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))


def test_a_refusal_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "Consumer", Refusing)
    monkeypatch.setattr(reader, "KAFKA_SECONDS_MAX", 0.0)
    config = SimpleNamespace(kafka=SimpleNamespace(message_max_bytes=1_000_000))
    runtime: Any = SimpleNamespace(client=dict, config=config)
    with pytest.raises(Unavailable, match="TOPIC_AUTHORIZATION_FAILED"):
        list(TopicReader(runtime).between("ticketing-topics", 0, 0, 1))
