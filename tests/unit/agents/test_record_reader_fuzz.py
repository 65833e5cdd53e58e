"""Any bytes and any changed record in the input: nothing is raised, neighbours count, sums add up."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configured import detector_for
from support.formats import FULL
from support.fuzz import fuzz
from support.records import Record

from agents.detection_run import Detected, Detector
from ticketing.domain.alerts.field_names import PRESETS
from ticketing.domain.traces.spans import traceable
from ticketing.wire.signals import decode_signals, encode_signals
from ticketing.wire.traces import decode_lines, decode_spans

TOPIC = "enriched-logs"
ARRIVED_MS = 1_900_000_100_000
LOGCLAW: dict[str, Any] = {
    "@timestamp": "2030-03-17T17:46:40.25Z",
    "anomaly_score": 0.9,
    "level": "ERROR",
    "message": "db down",
    "service": "orders",
    "tenant_id": "acme",
    "trace_id": "4bf92f3577b34da6",
    "span_id": "00f067aa0ba902b7",
    "duration_ms": 12.5,
    "affected_services": ["cart"],
    "error_message": "boom",
    "host_name": "node-3",
}
FORMATS: list[tuple[Any, dict[str, Any]]] = [("logclaw", LOGCLAW), *FULL]
DETECTORS: list[list[Detector]] = [
    [detector_for({TOPIC: "id"}, fields=fields, traces_partitions=n) for n in (0, 4)]
    for fields, _ in FORMATS
]

texts = st.text(max_size=12) | st.sampled_from(
    [
        *("", " ", "0", "-", "null", "NaN", "1e999", "0.97", "\ud800", "\x00", "\ufeff{}", "a.b"),
        *("2030-03-17 17:46:40,25", "29/Feb/2030:00:00:00 +0000", "9999-12-31T23:59:59+9959"),
        '{"message": "x"}',
        "9" * 500,
    ]
)
numbers = (
    st.integers(-(10**25), 10**25)
    | st.floats()
    | st.sampled_from([0, 1e11, 1e14, 1e17, 1e300, -1, 10**400])
)
scalars = st.none() | st.booleans() | numbers | texts
KEYS = ("name", "message", "msg", "error", "key", "value", "stringValue", "kvlistValue", "values")
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in a record, the record itself included."""
    found = [path]
    if isinstance(value, dict):
        found += [p for key, inner in value.items() for p in paths(inner, (*path, key))]
    elif isinstance(value, list):
        found += [p for n, inner in enumerate(value) for p in paths(inner, (*path, n))]
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], new)
    return value


@st.composite
def changed(draw: st.DrawFn, record: dict[str, Any]) -> bytes:
    """A record with other values in it, then with other bytes."""
    document: Any = record
    for _ in range(draw(st.integers(0, 4))):
        document = replaced(document, draw(st.sampled_from(paths(document))), draw(values))
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(raw)))
        end = at + draw(st.sampled_from([0, 1, 1, 20]))
        raw[at:end] = draw(st.binary(max_size=2))
    return bytes(raw)


def judged(number: int, traces: bool, odd: list[bytes | None]) -> Detected:
    """The odd values between good records, judged; whatever holds for every run is asserted."""
    good = json.dumps(FORMATS[number][1]).encode()
    written = [good]
    for value in odd:
        written += [value, good]
    records = [Record(value, offset, ARRIVED_MS) for offset, value in enumerate(written)]
    found = DETECTORS[number][traces].detect(TOPIC, 0, records)
    counted = sorted(o for s in found.signals for found_ in s.counted() for o in found_)
    dead = [letter.offset for letter in found.dead_letters]
    assert found.records == found.below_threshold + len(counted) + len(dead)
    assert len({*counted, *dead}) == len(counted) + len(dead)
    assert set(range(0, len(written), 2)) <= set(counted)
    assert "failed" not in {letter.reason for letter in found.dead_letters}
    assert decode_signals(encode_signals(list(found.signals))) == found.signals
    for signal in found.signals:
        assert signal.service.strip()
        assert signal.title
        assert math.isfinite(signal.first_seen)
        assert math.isfinite(signal.last_seen)
        assert all(map(traceable, signal.trace_ids))
    for _, message in found.spans:
        for part in decode_spans(message).parts:
            assert traceable(part.trace_id)
            assert all(math.isfinite(line.at) for line in decode_lines(bytes(part.lines)))
    return found


@pytest.mark.fuzz
@fuzz(0.35)
@given(st.integers(0, len(FORMATS) - 1), st.booleans(), st.data())
def test_any_changed_record_of_any_format(number: int, traces: bool, data: st.DataObject) -> None:
    odd = data.draw(st.lists(changed(FORMATS[number][1]), min_size=1, max_size=3))
    judged(number, traces, list(odd))


@pytest.mark.fuzz
@fuzz(0.15)
@given(
    st.integers(0, len(FORMATS) - 1),
    st.booleans(),
    st.lists(st.none() | st.binary(max_size=40), min_size=1, max_size=4),
)
def test_any_bytes(number: int, traces: bool, odd: list[bytes | None]) -> None:
    judged(number, traces, odd)


def test_every_preset_is_among_the_formats() -> None:
    assert {fields for fields, _ in FORMATS if isinstance(fields, str)} == set(PRESETS)


def test_an_unchanged_record_counts() -> None:
    for number in range(len(FORMATS)):
        assert judged(number, True, []).anomalies == 1
