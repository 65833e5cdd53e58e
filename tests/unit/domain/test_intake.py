"""Signals are cleaned and bounded at the counter's door, whoever sent them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.alerts import anomalies, origin

from ticketing.domain.intake import URL_BYTES_MAX, address, admitted
from ticketing.domain.signals import Anomalies, Origin, Progress, Redriven, Sample
from ticketing.errors import BadRecord
from ticketing.wire.signals import encode_signals

DIRTY = "\x1b[31mred\x1b[0m\x00 \u202eand\u200b blue\ud83d"
CLEAN = "red and blue\ufffd"


def progress(**changes: Any) -> Progress:
    return Progress(**{"topic": "t", "partition": 0, "partitions": 1, "through": 1.0, **changes})


def test_a_signal_that_is_in_order_comes_in_as_it_is() -> None:
    found = anomalies("aa", 1, frames=[2])
    unread = Origin(topic="t", partition=0, since="id:")
    for body in (found, Redriven(anomalies=found), origin(4), unread, progress()):
        assert admitted(body) is body


def test_texts_of_logs_are_cleaned() -> None:
    sample = Sample(at=1.0, message=DIRTY, host=DIRTY)
    seen = admitted(anomalies("aa", 1, title=DIRTY, samples=[sample], endpoints=[DIRTY]))
    assert (seen.title, seen.samples[0].message, seen.endpoints) == (CLEAN, CLEAN, [CLEAN])
    again = admitted(Redriven(anomalies=anomalies("aa", 1, pattern=DIRTY)))
    assert again.anomalies.pattern == CLEAN


@pytest.mark.parametrize("character", ["a", '"', "界", "😀", "\n", "\x00", "\x1b"])
def test_every_signal_is_bounded_in_bytes(character: str) -> None:
    long = character * 300_000
    found = anomalies("aa", 1, title=long, pattern=long, trace_ids=[long] * 500)
    assert len(encode_signals([admitted(found)])) < 160_000


@pytest.mark.parametrize("field", ["tenant", "environment", "service", "source", "fingerprint"])
def test_a_name_that_is_too_long_refuses_the_signal(field: str) -> None:
    with pytest.raises(BadRecord, match="out_of_bounds"):
        admitted(replace(anomalies("aa", 1), **{field: "x" * 2_000}))


@pytest.mark.parametrize(
    "body",
    [
        Origin(topic="t", partition=0, since="id"),
        Origin(topic="t", partition=0, since="id:x"),
        Origin(topic="t", partition=0, since="id:" + "9" * 30),
        Origin(topic="t", partition=-1, since="id:1"),
        Origin(topic="t", partition=0, since="id:1", through=2**70),
        Origin(topic="t" * 2_000, partition=0, since="id:1"),
        progress(partitions=10**9),
        progress(partition=-1),
        progress(topic="t" * 2_000),
        anomalies("aa", frames=[2**70]),
    ],
)
def test_what_names_no_place_is_refused(body: Any) -> None:
    with pytest.raises(BadRecord, match="out_of_bounds"):
        admitted(body)


def test_a_number_of_thousands_of_digits_refuses_the_signal() -> None:
    text = b'{"fingerprint":"aa","tenant":"t","service":"s","pattern":"p","source":"x:0",'
    text += b'"severity":"high","offsets":{"%b":[1]},"first_seen":1,"last_seen":1,"max_score":1}'
    body = msgspec.json.decode(text % (b"9" * 300), type=Anomalies)
    with pytest.raises(BadRecord, match="64 bits"):
        admitted(body)


def test_an_address_that_is_too_long_is_left_out() -> None:
    assert address("https://a/b") == "https://a/b"
    assert address("https://a/" + "x" * URL_BYTES_MAX) == ""
