"""The notes that travel with the pipeline's committed offsets: the totals of the records.

An offset of an input topic has detection's totals below it, one of ticketing-signals the anomalies
that the incidents' writer has counted below it.
"""

from __future__ import annotations

import msgspec

from ticketing.domain.alerts.conservation import Tally


class _Counted(msgspec.Struct):
    counted: int


_encoder = msgspec.json.Encoder()
_tallies = msgspec.json.Decoder(Tally)
_counts = msgspec.json.Decoder(_Counted)


def encode_tally(tally: Tally) -> str:
    """A source partition's totals as JSON."""
    return _encoder.encode(tally).decode()


def decode_tally(note: str) -> Tally | None:
    """The reverse of `encode_tally`; None for any other note, such as that of another program."""
    try:
        return _tallies.decode(note)
    except msgspec.MsgspecError:
        return None


def encode_counted(total: int) -> str:
    """The anomalies that a partition of the signals has counted, as JSON."""
    return _encoder.encode(_Counted(total)).decode()


def decode_counted(note: str) -> int | None:
    """The reverse of `encode_counted`; None for any other note."""
    try:
        return _counts.decode(note).counted
    except msgspec.MsgspecError:
        return None
