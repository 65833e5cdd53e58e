"""The notes of a group's offsets, on the embedded broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka.admin import AdminClient

from ticketing.errors import Unavailable
from ticketing.kafka import group
from ticketing.kafka.embedded import EmbeddedBroker
from ticketing.kafka.group import Group

LOGS = TopicPartition("logs", 0), TopicPartition("logs", 1)


@pytest.fixture
async def consumer() -> AsyncIterator[tuple[str, AIOKafkaConsumer]]:
    """A broker's address, and a consumer of a topic there."""
    broker = EmbeddedBroker()
    AdminClient({"bootstrap.servers": broker.address}).list_topics("logs", timeout=10)
    found = AIOKafkaConsumer(
        bootstrap_servers=broker.address, group_id="g", enable_auto_commit=False
    )
    found.assign(LOGS)
    await found.start()
    yield broker.address, found
    await found.stop()


async def test_notes_are_those_of_committed_offsets(
    consumer: tuple[str, AIOKafkaConsumer],
) -> None:
    address, member = consumer
    asked = Group({"bootstrap_servers": address}, "g")
    try:
        assert await asked.notes(["logs", "missing"]) == {}
        await member.commit({LOGS[0]: OffsetAndMetadata(5, "id#five")})
        await member.commit({LOGS[1]: OffsetAndMetadata(0, "id")})
        assert await asked.notes(["logs", "missing"]) == {("logs", 0): "five", ("logs", 1): ""}
        assert await asked.notes(["missing"]) == {}
    finally:
        await asked.close()


async def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "REQUEST_SECONDS_MAX", 0.2)
    asked = Group({"bootstrap_servers": "127.0.0.1:1"}, "g")
    for _ in range(2):
        with pytest.raises(Unavailable, match="does not answer"):
            await asked.notes(["logs"])
