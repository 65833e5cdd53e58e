"""The embedded broker's feed waits for every reader of every topic; a gap ends the process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from faust.types import TP

from ticketing.config import Config
from ticketing.engine import transport
from ticketing.kafka import feed as module
from ticketing.kafka.backlog import Backlog, readers
from ticketing.kafka.feed import BACKLOG_MESSAGES_MAX, Feed, FeedStalled
from ticketing.kafka.runtime import Runtime
from ticketing.roles import PIPELINE, SUMMARIES, TRACES_ROLE, VIEW, app_of, committed_by
from ticketing.wire.topics import INCIDENTS

WAITING = 30


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    runtime = Runtime.of(Config())
    runtime.ensure_topics()
    return runtime


def commit(runtime: Runtime, group: str, topic: str, offset: int) -> None:
    consumer = Consumer({**runtime.client(), "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def test_every_topic_that_a_role_commits_is_waited_for() -> None:
    settings = {
        "pagerduty": {"enabled": True, "routingKey": "0" * 32},
        "llm": {"provider": "openai", "model": "gpt-4", "apiKey": "k"},
    }
    runtime = Runtime.of(Config.model_validate(settings))
    roles = [PIPELINE, TRACES_ROLE, VIEW, SUMMARIES, *runtime.config.enabled_platforms()]
    assert {group: set(topics) for group, topics in readers(runtime).items()} == {
        app_of(role): {*committed_by(role, runtime)} - {*runtime.inputs} for role in roles
    }


def test_each_reader_of_each_topic_is_waited_for(runtime: Runtime) -> None:
    producer = Producer(runtime.client())
    for number in range(WAITING):
        producer.produce(INCIDENTS, b"%d" % number, partition=0)
    producer.flush(60)
    backlog = Backlog(runtime)
    assert backlog.largest() == 0, "no group has ever read: none runs"
    for group in readers(runtime):
        if INCIDENTS in readers(runtime)[group]:
            commit(runtime, group, INCIDENTS, 5)
            assert backlog.largest() == WAITING - 5, group
            commit(runtime, group, INCIDENTS, WAITING)
            assert backlog.largest() == 0


def test_a_feed_holds_while_a_reader_is_behind(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(runtime, runtime.inputs[0])
    behind = [200, 100, BACKLOG_MESSAGES_MAX + 1, BACKLOG_MESSAGES_MAX]
    asked: list[int] = []

    def largest() -> int:
        asked.append(behind.pop(0) if behind else 0)
        return asked[-1]

    monkeypatch.setattr(feed, "_backlog", SimpleNamespace(largest=largest))
    records = module.CHECK_EVERY_RECORDS
    assert feed.run(b"{}" for _ in range(records)) == records
    assert asked == [200, 100, BACKLOG_MESSAGES_MAX + 1, BACKLOG_MESSAGES_MAX]


def test_a_feed_whose_readers_stand_still_says_so(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS_MAX", 0.05)
    feed = Feed(runtime, runtime.inputs[0])
    monkeypatch.setattr(feed, "_backlog", SimpleNamespace(largest=lambda: 1_000))
    with pytest.raises(FeedStalled, match="or from a topic behind it"):
        feed.run(b"{}" for _ in range(module.CHECK_EVERY_RECORDS))


@pytest.mark.parametrize(
    ("behind", "committed", "first", "gap"),
    [
        (None, None, 0, False),
        (None, None, 3, True),
        (None, 7, 7, False),
        (None, 7, 9, True),
        (None, 7, 5, False),
        (8, 7, 9, False),
        (8, 7, 12, True),
    ],
)
async def test_records_that_the_embedded_broker_let_go_of_end_the_process(
    behind: int | None,
    committed: int | None,
    first: int,
    gap: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[tuple[str, str]] = []
    monkeypatch.setattr(transport, "leave", lambda *told: left.append(told))
    thread: Any = object.__new__(transport.BatchConsumerThread)

    async def of(tp: TP) -> int | None:
        return committed

    consumer = SimpleNamespace(committed=of)
    run = [SimpleNamespace(offset=first)]
    await thread._require_no_gap(consumer, TP("ticketing-traces", 1), run, behind)
    assert [reason for _, reason in left] == (["missed"] if gap else [])
