"""Notes travel with exactly their offset, and are read with the offset that reading starts from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from ticketing.engine.commit_notes import NOTE_BYTES_MAX, CommitNotes, carry
from ticketing.engine.role_topics import RoleTopics
from ticketing.engine.transport import BatchConsumerThread

LOGS = TP("logs", 0)


class Broker:
    """The group's offsets, behind aiokafka's own calls."""

    def __init__(self) -> None:
        self.kept: dict[TopicPartition, OffsetAndMetadata] = {}
        self._coordinator = SimpleNamespace(_do_fetch_commit_offsets=self.fetch)

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.kept.update(offsets)

    async def fetch(self, places: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        return {place: self.kept[place] for place in places if place in self.kept}


def carried(broker: Broker, notes: CommitNotes, id: str = "") -> Any:
    """aiokafka's consumer, as a consumer's thread makes it carry notes."""
    thread: Any = object.__new__(BatchConsumerThread)
    app = SimpleNamespace(notes=notes, role_topics=RoleTopics({"logs": id}))
    thread.consumer = SimpleNamespace(app=app)
    thread._consumer = SimpleNamespace(commit=broker.commit, _coordinator=broker._coordinator)
    carry(thread._consumer, notes, thread._id_of)
    thread.name_topics()
    return thread._consumer


async def test_a_note_is_committed_and_read_with_its_offset() -> None:
    broker, notes = Broker(), CommitNotes()
    consumer = carried(broker, notes)
    notes.put(LOGS, 5, "five")
    notes.put(LOGS, 7, "seven")
    await consumer.commit({TopicPartition("logs", 0): OffsetAndMetadata(5, "")})
    notes.saved({LOGS: 5})
    assert notes.committed(LOGS) == (5, "five")

    other = CommitNotes()
    places = [TopicPartition("logs", 0), TopicPartition("logs", 1)]
    await carried(Broker(), other)._coordinator._do_fetch_commit_offsets(places)
    assert other.committed(LOGS) is None
    again = Broker()
    again.kept = broker.kept
    found = await carried(again, other)._coordinator._do_fetch_commit_offsets(iter(places))
    assert found[places[0]].offset == 5
    assert other.committed(LOGS) == (5, "five")
    assert other.committed(TP("logs", 1)) is None


async def test_a_note_of_another_topic_of_the_name_is_none() -> None:
    broker, notes = Broker(), CommitNotes()
    notes.put(LOGS, 5, "five")
    place = TopicPartition("logs", 0)
    await carried(broker, notes, "id").commit({place: OffsetAndMetadata(5, "")})
    assert broker.kept[place].metadata == "id#five"
    for id, expected in (("id", (5, "five")), ("another", None)):
        again, found = Broker(), CommitNotes()
        again.kept = broker.kept
        await carried(again, found, id)._coordinator._do_fetch_commit_offsets([place])
        assert found.committed(LOGS) == expected


async def test_an_offset_without_a_note_is_committed_without_one() -> None:
    broker, notes = Broker(), CommitNotes()
    notes.put(LOGS, 5, "five")
    consumer = carried(broker, notes)
    await consumer.commit({TopicPartition("logs", 0): OffsetAndMetadata(6, "")})
    assert broker.kept[TopicPartition("logs", 0)] == OffsetAndMetadata(6, "")


def test_notes_below_what_is_committed_are_dropped_and_later_ones_stay() -> None:
    notes = CommitNotes()
    for offset in (5, 6, 7):
        notes.put(LOGS, offset, str(offset))
    notes.saved({LOGS: 6})
    assert [notes.note(LOGS, offset) for offset in (5, 6, 7)] == ["", "", "7"]


def test_a_note_that_the_broker_would_refuse_is_left_out() -> None:
    notes = CommitNotes()
    notes.put(LOGS, 5, "x" * NOTE_BYTES_MAX)
    notes.put(LOGS, 6, "x" * (NOTE_BYTES_MAX + 1))
    assert notes.note(LOGS, 5)
    assert not notes.note(LOGS, 6)


def test_listeners_hear_of_a_commit_once_it_is_known() -> None:
    notes = CommitNotes()
    heard: list[tuple[int, str] | None] = []
    notes.listen(lambda: heard.append(notes.committed(LOGS)))
    notes.put(LOGS, 5, "five")
    notes.saved({LOGS: 5})
    assert heard == [(5, "five")]


def test_a_partition_that_is_lost_is_forgotten() -> None:
    notes = CommitNotes()
    notes.put(LOGS, 7, "seven")
    notes.read(LOGS, (5, "five"))
    assert notes.is_known(LOGS)
    notes.forget(LOGS)
    assert not notes.is_known(LOGS)
    assert not notes.note(LOGS, 7)
