"""The elements of a packed message as they stand, and the mark of those from the dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.alerts import anomalies

from ticketing.domain.signals import Progress, Redriven
from ticketing.wire.packed import elements
from ticketing.wire.signals import as_redriven, decode_signals, encode_signals

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(VALUES), st.booleans(), st.sampled_from([None, 1]))
def test_elements_are_those_that_json_has(
    values: list[Any], ascii: bool, indent: int | None
) -> None:
    text = json.dumps(values, ensure_ascii=ascii, indent=indent)
    found = elements(text.encode("utf-8", "surrogatepass"))
    assert [json.loads(element.decode("utf-8", "surrogatepass")) for element in found] == values


@given(st.binary())
def test_any_bytes_have_elements_or_none(value: bytes) -> None:
    for element in elements(b"[%b]" % value):
        assert element in value
    as_redriven(value)
    as_redriven(b"[%b]" % value)


def test_anomalies_are_marked_and_nothing_else_changes() -> None:
    progress = Progress(topic="t", partition=0, partitions=1, through=1.0)
    value = encode_signals([anomalies("aa", 1), progress, Redriven(anomalies=anomalies("bb", 2))])
    marked = as_redriven(value)
    expected = [
        Redriven(anomalies=anomalies("aa", 1)),
        progress,
        Redriven(anomalies=anomalies("bb", 2)),
    ]
    assert decode_signals(marked) == expected
    assert as_redriven(marked) == marked
    assert decode_signals(encode_signals(decode_signals(marked))) == expected


@pytest.mark.parametrize("value", [b"", b"{", b"[7]", b'[{"anomalies":]', b"caf\xe9"])
def test_what_cannot_be_read_is_left_as_it_is(value: bytes) -> None:
    assert as_redriven(value) == value
