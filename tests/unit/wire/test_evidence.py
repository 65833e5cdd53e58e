"""The messages of ticketing-evidence: absurd ones are refused, and a part never hides the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.evidence import requests_of, tallies_of
from support.microservices import System

from ticketing.domain.evidence.packing import joined
from ticketing.domain.evidence.tally import Tally
from ticketing.wire.evidence import (
    NUMBER_MAX,
    ROWS_BYTES_MAX,
    WORKER_CHARS_MAX,
    decode_part,
    encode_tally,
    unpack_rows,
)

SCOPE = "0123456789abcdef"


def tally() -> Tally:
    return max(tallies_of(requests_of(System(1).run(None, 60.0, rate=5.0))).values(), key=len)


@pytest.mark.parametrize("bytes_max", [500_000, 2_000])
def test_a_tally_comes_back_whole_from_messages_that_a_broker_takes(bytes_max: int) -> None:
    values = encode_tally(SCOPE, "w", 7, 1, tally(), bytes_max=bytes_max)
    assert all(len(value) <= bytes_max + 100 for value in values)
    assert (len(values) > 1) == (bytes_max == 2_000)
    read = [decode_part(value) for value in values]
    assert {(one.scope, one.worker, one.slot, one.version, one.parts) for one in read} == {
        (SCOPE, "w", 7, 1, len(values))
    }
    whole = joined(unpack_rows(one.rows) for one in read)
    assert {(o, k, d): i.count for o, k, d, i in whole.items()} == {
        (o, k, d): i.count for o, k, d, i in tally().items()
    }


def test_a_newer_release_may_add_fields_behind() -> None:
    (value,) = encode_tally(SCOPE, "w", 7, 1, Tally(), bytes_max=500_000)
    newer = msgspec.msgpack.encode([*msgspec.msgpack.decode(value), "more"])
    assert decode_part(newer) == decode_part(value)


@pytest.mark.parametrize(
    ("place", "absurd"),
    [
        (0, "no scope"),
        (1, ""),
        (1, "w" * (WORKER_CHARS_MAX + 1)),
        (2, -1),
        (2, NUMBER_MAX + 1),
        (3, "1"),
        (5, 2**63),
        (6, "x" * (ROWS_BYTES_MAX + 1)),
    ],
)
def test_a_part_that_cannot_be_is_refused(place: int, absurd: Any) -> None:
    fields: list[Any] = [SCOPE, "w", 7, 1, 0, 1, []]
    decode_part(msgspec.msgpack.encode(fields))
    fields[place] = absurd
    value = msgspec.msgpack.encode(fields)
    with pytest.raises(msgspec.MsgspecError):
        decode_part(value)


@given(st.binary(max_size=200))
def test_any_bytes_make_a_tally_or_none(rows: bytes) -> None:
    assert isinstance(unpack_rows(rows), Tally)
