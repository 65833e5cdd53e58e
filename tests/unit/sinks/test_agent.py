"""The sink agent: every snapshot to every enabled platform, and to no other topic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from structlog.testing import capture_logs
from support.incidents import numbered, ticketed
from support.records import Record

from sinks.agent import SinkAgent
from sinks.delivery import wishes
from ticketing import metrics
from ticketing.wire.incidents import encode_incident
from ticketing.wire.topics import DEAD_LETTERS, INCIDENTS


class Producer:
    """Kafka with a few topics; asked for any other, it fails as the real one does after a wait."""

    def __init__(self, *topics: str) -> None:
        self.topics = topics
        self.sent: list[tuple[str, bytes | None, bytes]] = []

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        assert topic in self.topics, f"asked for {topic}, which is not there"
        return 0

    async def send_all(self, place: TP, messages: list[tuple[bytes | None, bytes]]) -> int:
        self.sent += [(place.topic, key, value) for key, value in messages]
        return len(self.sent)


EVENT: Any = SimpleNamespace(message=SimpleNamespace(tp=TP(INCIDENTS, 0)))


def agent(producer: Producer, *enabled: str) -> SinkAgent:
    nothing: Any = None
    return SinkAgent(SimpleNamespace(producer=producer), nothing, nothing, enabled)


def record(incident: Any) -> Record:
    return Record(encode_incident(incident), key=incident.id.encode())


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    counter: Any = SimpleNamespace(inc=lambda: counted.append(1))
    monkeypatch.setattr(metrics, "wishes_left_out_total", counter)
    return counted


async def test_an_incident_that_names_a_disabled_platform_costs_the_others_nothing(
    left_out: list[int],
) -> None:
    """The case that was found: the topic is gone, and no platform got anything."""
    producer = Producer("ticketing-slack", DEAD_LETTERS)
    old = ticketed(routes=["pagerduty", "slack", "of_a_newer_release"])
    with capture_logs() as logs:
        sinks = agent(producer, "slack")
        await sinks.handle([record(old), record(numbered(1, **_routed()))], EVENT)
        await sinks.handle([record(old)], EVENT)
    assert [(topic, key) for topic, key, _ in producer.sent] == [
        ("ticketing-slack", old.id.encode()),
        ("ticketing-slack", numbered(1).id.encode()),
        ("ticketing-slack", old.id.encode()),
    ]
    assert wishes.decode(producer.sent[0][2]).desired == old
    told = [one["platform"] for one in logs if one["event"] == "platform_not_enabled"]
    assert told == ["pagerduty", "of_a_newer_release"], "each once"
    assert len(left_out) == 4


def _routed() -> dict[str, Any]:
    return {"ticketed": True, "routes": ["slack"]}


async def test_a_record_without_routes_is_a_dead_letter_beside_good_ones() -> None:
    producer = Producer("ticketing-slack", DEAD_LETTERS)
    bad = Record(b'{"ticketed":true,"routes":7}', key=b"bad")
    await agent(producer, "slack").handle([bad, record(ticketed(routes=["slack"]))], EVENT)
    assert sorted(topic for topic, _, _ in producer.sent) == [DEAD_LETTERS, "ticketing-slack"]
