"""An offset is one of its own topic: asked before records are handed on, named in each commit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from ticketing.engine import topic_identity
from ticketing.engine.role_topics import RoleTopics
from ticketing.errors import Unavailable

INPUT, OWN = TP("logs", 0), TP("ticketing-signals", 0)
READ = {OWN: 9}


class Left(BaseException):
    """The process would be gone."""


class Watch:
    """Answers as told, one after the other; then that all is well."""

    inputs = frozenset({"logs"})

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    def ask(self) -> str | None:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


def thread_with(watch: Watch | None, ids: dict[str, str] | None = None) -> Any:
    thread: Any = object.__new__(topic_identity.KnownTopicsThread)
    app = SimpleNamespace(topic_watch=watch, role_topics=RoleTopics(ids or {}))
    thread.consumer = SimpleNamespace(app=app)
    thread._assignments, thread._asked_at = 0, 0.0
    return thread


@pytest.fixture(autouse=True)
def _leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(why: str, reason: str = "fault") -> None:
        raise Left(why)

    monkeypatch.setattr(topic_identity, "leave", leave)
    monkeypatch.setattr(topic_identity, "ASK_AGAIN_SECONDS", 0.0)
    # A thread of Faust's that never began says that it should stop.
    monkeypatch.setattr(topic_identity.KnownTopicsThread, "should_stop", False)


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(offset=offset) for offset in offsets]


async def test_records_of_an_input_are_handed_on_once_kafka_knows_their_topic() -> None:
    watch = Watch()
    thread = thread_with(watch)
    assert await thread.are_of_known_topics({INPUT: records(5)}, READ)
    assert await thread.are_of_known_topics({INPUT: records(6), OWN: records(11)}, READ)
    assert watch.asked == 2


async def test_records_of_a_topic_made_anew_reach_nobody() -> None:
    thread = thread_with(Watch("topic logs was deleted and created again"))
    with pytest.raises(Left, match="created again"):
        await thread.are_of_known_topics({INPUT: records(5)}, READ)


async def test_an_own_topic_is_asked_about_when_its_offsets_go_back() -> None:
    watch = Watch("topic ticketing-signals was deleted and created again")
    thread = thread_with(watch)
    assert await thread.are_of_known_topics({OWN: records(10)}, READ)
    assert watch.asked == 0
    with pytest.raises(Left):
        await thread.are_of_known_topics({OWN: records(0)}, READ)


async def test_without_an_answer_records_wait() -> None:
    watch = Watch(Unavailable("away"), Unavailable("away"), None)
    assert await thread_with(watch).are_of_known_topics({INPUT: records(5)}, READ)
    assert watch.asked == 3


async def test_records_that_waited_into_the_next_assignment_are_dropped() -> None:
    class Rebalanced(Watch):
        def ask(self) -> str | None:
            thread._assignments += 1
            raise Unavailable("away")

    thread = thread_with(Rebalanced())
    assert not await thread.are_of_known_topics({INPUT: records(5)}, READ)


async def test_the_embedded_broker_is_not_asked() -> None:
    assert await thread_with(None).are_of_known_topics({INPUT: records(5)}, READ)


async def test_a_commit_names_its_topic() -> None:
    committed: dict[TP, OffsetAndMetadata] = {}

    async def commit(offsets: Any) -> None:
        committed.update(offsets)

    thread = thread_with(None, {"logs": "an id"})
    thread._consumer = SimpleNamespace(commit=commit)
    thread.name_topics()
    await thread._consumer.commit({INPUT: OffsetAndMetadata(5, ""), OWN: OffsetAndMetadata(6, "")})
    assert committed == {INPUT: OffsetAndMetadata(5, "an id"), OWN: OffsetAndMetadata(6, "")}


@pytest.mark.parametrize(
    ("kept", "position"),
    [
        (OffsetAndMetadata(7, "an id"), 7),
        (OffsetAndMetadata(7, "an id#and a note"), 7),
        (OffsetAndMetadata(7, "another id"), -1),
        (OffsetAndMetadata(7, "another id#and a note"), -1),
        (OffsetAndMetadata(7, ""), 7),
        (OffsetAndMetadata(-1, ""), None),
    ],
    ids=[
        "of this topic",
        "of this topic, noted",
        "of another",
        "of another, noted",
        "of whichever",
        "none",
    ],
)
async def test_a_position_in_another_topic_is_none(
    kept: OffsetAndMetadata, position: int | None
) -> None:
    rewound: list[TP] = []

    async def seek_to_committed() -> dict[TP, int | None]:
        return {INPUT: kept.offset if kept.offset >= 0 else None}

    async def fetch_committed_offsets(places: list[TP]) -> dict[TP, OffsetAndMetadata]:
        return dict.fromkeys(places, kept)

    async def seek_to_beginning(*places: TP) -> None:
        rewound.extend(places)

    thread = thread_with(None, {"logs": "an id"})
    thread._ensure_consumer = lambda: SimpleNamespace(
        seek_to_committed=seek_to_committed,
        seek_to_beginning=seek_to_beginning,
        _coordinator=SimpleNamespace(fetch_committed_offsets=fetch_committed_offsets),
    )
    assert await thread._seek_to_committed() == {INPUT: position}
    assert rewound == ([INPUT] if position == -1 else [])
