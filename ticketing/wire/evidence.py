"""The messages of ticketing-evidence: tallies of requests, in parts that a broker takes."""

from __future__ import annotations

from typing import Any

import msgspec

from ticketing.domain.evidence.books import PARTS_MAX, Part
from ticketing.domain.evidence.packing import packed, parts, unpacked
from ticketing.domain.evidence.tally import Tally
from ticketing.domain.scope import is_scope

WORKER_CHARS_MAX = 64
"""Four times the length of a worker's name."""
NUMBER_MAX = 2**53
"""Slots and versions: far beyond any date in milliseconds."""
ROWS_BYTES_MAX = 4_000_000
"""Bytes of a part's rows, four times those that are sent by default."""


class Message(msgspec.Struct, array_like=True, gc=False):
    """A part of a tally (`domain.evidence.books.Part`); `rows` are those of `packing`."""

    scope: str
    worker: str
    slot: int
    version: int
    part: int
    parts: int
    rows: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_messages = msgspec.msgpack.Decoder(Message)
_rows: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder()


def encode_tally(
    scope: str, worker: str, slot: int, version: int, tally: Tally, *, bytes_max: int
) -> list[bytes]:
    """The tally in messages of at most so many bytes, as far as one operation fits into one.

    A later `version` replaces an earlier one. Parts that can't be made small enough are too large
    for their reader, who then waits for a later version.
    """
    count, rows = 1, [_encoder.encode(packed(tally))]
    while max(map(len, rows)) > bytes_max and count < PARTS_MAX:
        # Operations differ in size: a few more parts than their mean needs.
        count = min(PARTS_MAX, max(count + 1, 2 * (sum(map(len, rows)) // bytes_max) + 1))
        rows = [_encoder.encode(packed(one)) for one in parts(tally, count)]
    return [
        _encoder.encode(Message(scope, worker, slot, version, place, count, msgspec.Raw(one)))
        for place, one in enumerate(rows)
    ]


def decode_part(value: bytes) -> Part:
    """The reverse of encode_tally; raises msgspec.MsgspecError for what can't be a part."""
    found = _messages.decode(value)
    numbers = found.slot, found.version, found.part, found.parts
    if not all(0 <= number <= NUMBER_MAX for number in numbers):
        raise msgspec.ValidationError("a number is out of bounds")
    if not is_scope(found.scope) or not found.worker or len(found.worker) > WORKER_CHARS_MAX:
        raise msgspec.ValidationError("the scope is not 16 hex digits, or the worker has no name")
    rows = bytes(found.rows)
    if len(rows) > ROWS_BYTES_MAX:
        raise msgspec.ValidationError(f"the part has {len(rows)} bytes, over {ROWS_BYTES_MAX}")
    return Part(
        scope=found.scope,
        worker=found.worker,
        slot=found.slot,
        version=found.version,
        part=found.part,
        parts=found.parts,
        rows=rows,
    )


def unpack_rows(rows: bytes) -> Tally:
    """The tally of a part's rows; whatever can't be read of it is left out."""
    try:
        return unpacked(_rows.decode(rows))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return Tally()
