"""The notes of a group's offsets, on the embedded broker."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from ticketing.errors import Unavailable
from ticketing.kafka import group
from ticketing.kafka.embedded import EmbeddedBroker
from ticketing.kafka.group import Group


def test_notes_are_those_of_committed_offsets() -> None:
    broker = EmbeddedBroker()
    client = {"bootstrap.servers": broker.address}
    AdminClient(client).list_topics("logs", timeout=10)
    consumer = Consumer({**client, "group.id": "g", "log_level": 2})
    assert Group(client, "g").notes(["logs", "missing"]) == {}
    committed = [TopicPartition("logs", 0, 5, "id#five"), TopicPartition("logs", 1, 0, "id")]
    consumer.commit(offsets=committed, asynchronous=False)
    assert Group(client, "g").notes(["logs", "missing"]) == {("logs", 0): "five", ("logs", 1): ""}
    consumer.close()


def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "REQUEST_SECONDS_MAX", 0.2)
    with pytest.raises(Unavailable, match="does not answer"):
        Group({"bootstrap.servers": "127.0.0.1:1", "log_level": 2}, "g").notes(["logs"])
