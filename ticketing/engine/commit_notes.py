"""Notes that travel with committed offsets: Kafka keeps both in one piece.

A note says what is known at an offset of a partition, so it is as exact as the offset: whoever gets
the partition next reads the note with the offset that the reading starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from ticketing.wire.notes import metadata, topic_and_note

NOTE_BYTES_MAX = 4096
"""Kafka's default for `offset.metadata.max.bytes`; a broker refuses the commit of a longer note."""


class CommitNotes:
    """The notes of a consumer's partitions: those to be committed, and the ones that are.

    Read and written from the app's loop, except for `read`, which the consumer's thread calls.
    """

    def __init__(self) -> None:
        self._waiting: dict[TP, dict[int, str]] = {}
        self._committed: dict[TP, tuple[int, str] | None] = {}
        self._listeners: list[Callable[[], None]] = []

    def put(self, tp: TP, offset: int, note: str) -> None:
        """Set the note to be committed with exactly this offset; one that is too long is left out."""
        if len(note.encode()) <= NOTE_BYTES_MAX:
            self._waiting.setdefault(tp, {})[offset] = note

    def note(self, tp: TP, offset: int) -> str:
        """The note to commit with an offset, empty for none."""
        return self._waiting.get(tp, {}).get(offset, "")

    def committed(self, tp: TP) -> tuple[int, str] | None:
        """The offset that Kafka has for a partition and its note; None before a first commit."""
        return self._committed.get(tp)

    def is_known(self, tp: TP) -> bool:
        """True once Kafka has said what is committed for a partition, be it nothing."""
        return tp in self._committed

    def read(self, tp: TP, found: tuple[int, str] | None) -> None:
        """Take note of the offset and the note that Kafka has for a partition, None for neither."""
        self._committed[tp] = found

    def saved(self, offsets: Mapping[TP, int]) -> None:
        """Take note of a commit that succeeded, and tell the listeners."""
        for tp, offset in offsets.items():
            self._committed[tp] = (offset, self.note(tp, offset))
            left = {at: text for at, text in self._waiting.pop(tp, {}).items() if at > offset}
            if left:
                self._waiting[tp] = left
        for listener in self._listeners:
            listener()

    def forget(self, tp: TP) -> None:
        """Drop what is known of a partition that belongs to another process now."""
        self._waiting.pop(tp, None)
        self._committed.pop(tp, None)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call after each commit that succeeded."""
        self._listeners.append(listener)


def carry(consumer: Any, notes: CommitNotes, id_of: Callable[[TP], str]) -> None:
    """Let aiokafka's consumer commit each offset with its note, and read them together.

    aiokafka hands on the offsets alone. A note stands behind the id of the topic, which is the
    commit's metadata already; one of another topic of the same name is none.
    """
    commit = consumer.commit
    fetch = consumer._coordinator._do_fetch_commit_offsets

    async def with_notes(offsets: Mapping[Any, OffsetAndMetadata]) -> None:
        await commit(
            {
                place: OffsetAndMetadata(
                    known.offset, metadata(known.metadata, notes.note(TP(*place), known.offset))
                )
                for place, known in offsets.items()
            }
        )

    async def reading(places: Iterable[Any]) -> Mapping[Any, OffsetAndMetadata]:
        asked = list(places)
        found: Mapping[Any, OffsetAndMetadata] = await fetch(asked)
        for place in asked:
            tp = TP(*place)
            notes.read(tp, _noted(found.get(place), id_of(tp)))
        return found

    consumer.commit = with_notes
    consumer._coordinator._do_fetch_commit_offsets = reading


def _noted(known: OffsetAndMetadata | None, id: str) -> tuple[int, str] | None:
    if known is None:
        return None
    kept_for, note = topic_and_note(known.metadata or "")
    return None if kept_for and id and kept_for != id else (known.offset, note)
