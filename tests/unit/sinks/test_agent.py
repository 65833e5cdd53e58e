"""The sink agent: every snapshot to every enabled platform, and to no other topic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from structlog.testing import capture_logs
from support.incidents import numbered, ticketed
from support.life import Clock
from support.records import Record
from support.story import Story

from sinks.agent import SinkAgent
from sinks.delivery import wishes
from sinks.delivery.wishes import wish_key
from ticketing import metrics
from ticketing.domain.incidents.incident import Incident, Ticket
from ticketing.wire.incidents import encode_incident
from ticketing.wire.topics import DEAD_LETTERS, INCIDENTS


class Producer:
    """Kafka with a few topics; asked for any other, it fails as the real one does after a wait."""

    def __init__(self, *topics: str) -> None:
        self.topics = topics
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        assert topic in self.topics, f"asked for {topic}, which is not there"
        return 0

    async def send_all(self, place: TP, messages: list[tuple[bytes | None, bytes | None]]) -> int:
        self.sent += [(place.topic, key, value) for key, value in messages]
        return len(self.sent)


def event(generation: int = 1) -> Any:
    return SimpleNamespace(message=SimpleNamespace(tp=TP(INCIDENTS, 0), generation_id=generation))


EVENT: Any = event()


def agent(producer: Producer, *enabled: str) -> SinkAgent:
    nothing: Any = None
    return SinkAgent(SimpleNamespace(producer=producer), nothing, nothing, enabled, partitions=1)


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
        ("ticketing-slack", wish_key(old.id).encode()),
        ("ticketing-slack", wish_key(numbered(1).id).encode()),
    ]
    assert wishes.decode(producer.sent[0][2] or b"").desired == old
    told = [one["platform"] for one in logs if one["event"] == "platform_not_enabled"]
    assert told == ["pagerduty", "of_a_newer_release"], "each once"
    assert len(left_out) == 4


def _routed() -> dict[str, Any]:
    return {"ticketed": True, "routes": ["slack"]}


async def test_a_record_without_routes_is_a_dead_letter_beside_good_ones() -> None:
    producer = Producer("ticketing-slack", DEAD_LETTERS)
    bad = Record(b'{"ticketed":true,"routes":7}', key=numbered(3).id.encode())
    await agent(producer, "slack").handle([bad, record(ticketed(routes=["slack"]))], EVENT)
    assert sorted(topic for topic, _, _ in producer.sent) == [DEAD_LETTERS, "ticketing-slack"]


class Sinks:
    """A sink agent for Slack, and how many wishes it has sent."""

    def __init__(self) -> None:
        self.producer = Producer("ticketing-slack", DEAD_LETTERS)
        self.agent = agent(self.producer, "slack")

    async def publish(self, incident: Incident, generation: int = 1) -> int:
        """The number of wishes sent for one snapshot."""
        before = len(self.producer.sent)
        await self.agent.handle([record(incident)], event(generation))
        return len(self.producer.sent) - before


async def test_a_busy_incident_makes_few_wishes() -> None:
    """An hour of counts, a snapshot every ten seconds: one wish at first, then one in 300 s."""
    clock, sinks = Clock(), Sinks()
    story = Story(clock)
    sent = await sinks.publish(story.opened())
    for _ in range(359):
        clock.now += 10.0
        sent += await sinks.publish(story.counted(60))
    assert sent == 12


@pytest.mark.parametrize(
    "change",
    [
        Story.acknowledged,
        Story.escalated,
        Story.resolved,
        Story.raised,
        Story.commented,
        Story.paged,
        lambda story: story.changed(title="another"),
        lambda story: story.changed(
            tickets={"jira": Ticket(platform="jira", key="OPS-1", url="https://j/OPS-1")}
        ),
        lambda story: story.changed(alerts_firing=0),
    ],
)
async def test_whatever_a_ticket_shows_is_sent_at_once_and_once(change: Any) -> None:
    sinks, story = Sinks(), Story(Clock())
    await sinks.publish(story.opened())
    assert await sinks.publish(change(story)) == 1
    assert await sinks.publish(story.counted()) == 0


async def test_another_owner_in_between_may_have_sent_anything() -> None:
    sinks, story = Sinks(), Story(Clock())
    await sinks.publish(story.opened())
    assert await sinks.publish(story.opened(), generation=2) == 1


async def test_a_forgotten_incident_ends_the_wish_on_every_platform() -> None:
    producer = Producer("ticketing-slack", "ticketing-jira", DEAD_LETTERS)
    sinks, gone = agent(producer, "slack", "jira"), numbered(1)
    await sinks.handle([Record(None, key=gone.id.encode())], EVENT)
    assert sorted(producer.sent) == [
        ("ticketing-jira", wish_key(gone.id).encode(), None),
        ("ticketing-slack", wish_key(gone.id).encode(), None),
    ]
