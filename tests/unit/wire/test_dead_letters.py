"""Dead letters hold the whole record of the job's own topics, within what Kafka takes."""

from __future__ import annotations

import base64
import random
import zlib

import msgspec
import pytest
from support.records import Record

from ticketing.wire.dead_letters import (
    VALUE_BYTES_MAX,
    DeadLetter,
    dead_letter_of,
    decode_dead_letter,
    encode_dead_letter,
)
from ticketing.wire.topics import SIGNALS

MEGABYTE = 1_048_576


def letter(value: bytes, topic: str = SIGNALS, **more: str) -> DeadLetter:
    known = {"stage": "incidents", "reason": "failed", "detail": "why", **more}
    return dead_letter_of(topic, 0, Record(value, 7, 1000), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [10, 64_001, 700_000, 790_000, MEGABYTE - 100])
def test_a_record_of_ours_is_whole_however_large(size: int) -> None:
    texts = (f'{{"offset":{n},"message":"failed {n * 7919}"}},' for n in range(size // 20 + 1))
    value = "".join(texts).encode()[:size]
    encoded = encode_dead_letter(letter(value), MEGABYTE - 1024)
    assert len(encoded) <= MEGABYTE - 1024
    found = decode_dead_letter(encoded)
    assert found.whole
    assert found.value == value


def test_what_no_packing_makes_small_is_cut_and_says_so() -> None:
    noise = random.Random(1).randbytes(MEGABYTE)
    encoded = encode_dead_letter(letter(noise), MEGABYTE - 1024)
    assert MEGABYTE - 1100 < len(encoded) <= MEGABYTE - 1024
    found = decode_dead_letter(encoded)
    assert not found.whole
    assert (found.size, noise.startswith(found.value or b"?")) == (MEGABYTE, True)


def test_an_input_record_is_cut_early_since_its_topic_keeps_it() -> None:
    found = decode_dead_letter(encode_dead_letter(letter(b"x" * 100_000, "enriched-logs")))
    assert found.value == b"x" * VALUE_BYTES_MAX
    assert not found.whole


def test_a_letter_can_say_anything() -> None:
    found = decode_dead_letter(encode_dead_letter(letter(b"\xff", detail="half \ud800")))
    assert found.detail == "half ?"


@pytest.mark.parametrize(
    "packed", [b"no zlib", zlib.compress(b"x" * 10_000_000), zlib.compress(b"xy")[:-3]]
)
def test_a_packed_record_that_is_none_bursts_nothing(packed: bytes) -> None:
    made = {
        "reason": "failed",
        "size": 100,
        "packed": base64.b64encode(packed).decode(),
    }
    try:
        found = decode_dead_letter(msgspec.json.encode(made))
    except msgspec.ValidationError:
        return
    assert len(found.value or b"") <= 100
