"""The metadata of committed offsets: the topic's id, and for the pipeline a note with totals.

An offset of an input topic has detection's totals below it, one of ticketing-signals the anomalies
that the counter of alerts has counted below it.
"""

from __future__ import annotations

import msgspec

from ticketing.domain.alerts.conservation import Tally
from ticketing.wire.packed import UNREADABLE


class _Counted(msgspec.Struct):
    counted: int


_NOTE_FOLLOWS = "#"
"""Stands in no topic id: those are letters, digits, `-` and `_`."""
_encoder = msgspec.json.Encoder()
_tallies = msgspec.json.Decoder(Tally)
_counts = msgspec.json.Decoder(_Counted)


def metadata(id: str, note: str) -> str:
    """The metadata of an offset; `note` may be empty."""
    return f"{id}{_NOTE_FOLLOWS}{note}" if note else id


def topic_and_note(metadata: str) -> tuple[str, str]:
    """The topic's id and the note of an offset, each empty where there is none."""
    id, _, note = metadata.partition(_NOTE_FOLLOWS)
    return id, note


def encode_tally(tally: Tally) -> str:
    """A source partition's totals as JSON."""
    return _encoder.encode(tally).decode()


def decode_tally(note: str) -> Tally | None:
    """The reverse of `encode_tally`; None for any other note, such as that of another program."""
    try:
        return _tallies.decode(note)
    except UNREADABLE:
        return None


def encode_counted(total: int) -> str:
    """The anomalies that a partition of the signals has counted, as JSON."""
    return _encoder.encode(_Counted(total)).decode()


def decode_counted(note: str) -> int | None:
    """The reverse of `encode_counted`; None for any other note."""
    try:
        return _counts.decode(note).counted
    except UNREADABLE:
        return None
