"""Records whose bytes are not quite text: they are read, counted, and harm no neighbour."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configured import detector_for
from support.records import Record

from agents import log_record, record_reader
from agents.detection_run import Detected
from agents.repair import repaired
from ticketing.domain.alerts.record_fields import BadInput
from ticketing.wire.signals import encode_signals

TOPIC = "enriched-logs"
GOOD = b'{"anomaly_score": 0.99, "service": "orders", "message": "boom", "trace_id": "t1"}'
DEEP = b"[" * 2_000 + b"]" * 2_000


def detect(*values: bytes, traces: int = 0) -> Detected:
    detector = detector_for({TOPIC: "id"}, traces_partitions=traces)
    records = [Record(value, offset, 1_700_000_000_000) for offset, value in enumerate(values)]
    found = detector.detect(TOPIC, 0, records)
    encode_signals(list(found.signals))
    return found


def shown(found: Detected) -> list[str]:
    return [sample.message for signal in found.signals for sample in signal.samples]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'{"message": "f\xfcr 12", "service": "billing", "anomaly_score": 0.99}', "f\ufffdr 12"),
        (b'{"message": "cut \xe4\xbd", "service": "s", "anomaly_score": 0.99}', "cut \ufffd"),
        (b'\xef\xbb\xbf{"message": "first", "service": "s", "anomaly_score": 0.99}', "first"),
        (
            b'\xef\xbb\xbf\xef\xbb\xbf{"message": "two", "service": "s", "anomaly_score": 0.99}',
            "two",
        ),
        (b'{"message": "ends", "service": "s", "anomaly_score": 0.99}\x00\n\x00', "ends"),
        (b'{"message": "half \\ud83d", "service": "s", "anomaly_score": 0.99}', "half \ufffd"),
        (b'{"message": "raw \x00\x1b", "service": "s", "anomaly_score": 0.99}', "raw "),
        (b'{"message": "\xe4\xbd\xa0 \xff", "service": "s", "anomaly_score": 0.99}', "你 \ufffd"),
    ],
    ids=[
        "latin-1",
        "cut",
        "bom",
        "two boms",
        "ending with nul",
        "half a pair",
        "control characters",
        "mixed",
    ],
)
@pytest.mark.parametrize("traces", [0, 4])
def test_a_bad_byte_is_read_as_a_replacement(value: bytes, text: str, traces: int) -> None:
    found = detect(value, traces=traces)
    assert (found.anomalies, found.dead_letters, found.repaired) == (1, [], 1)
    assert shown(found) == [text]


@pytest.mark.parametrize("name", ["host_name", "environment", "span_id"])
def test_a_bad_byte_in_a_field_that_only_samples_show(name: str) -> None:
    """The first reading skips these fields without a look at their bytes."""
    bad = GOOD[:-1] + b', "' + name.encode() + b'": "caf\xe9-1"}'
    found = detect(GOOD, bad, bad, GOOD)
    assert (found.anomalies, found.dead_letters) == (4, [])
    assert detect(bad).signals[0].samples[0].message == "boom"


def test_a_skipped_field_that_nothing_can_read_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with bytes that are no text beside a field that nests just as deep as can be skipped."""

    def fails(value: bytes) -> bytes:
        raise RecursionError

    monkeypatch.setattr(record_reader, "repaired", fails)
    found = detect(GOOD[:-1] + b', "host_name": "caf\xe9", "level": "ERROR"}')
    assert (found.anomalies, found.dead_letters) == (1, [])
    (sample,) = found.signals[0].samples
    assert (sample.message, sample.level, sample.host) == ("boom", "ERROR", "")


@pytest.mark.parametrize(
    "value", [b"plain", b"\xff\xfe{\x00}\x00", b'{"anomaly_score": NaN}', b'{"a": ' + DEEP, b"\xef"]
)
def test_what_is_not_json_even_so_is_a_dead_letter(value: bytes) -> None:
    found = detect(GOOD, value, GOOD)
    assert found.anomalies == 2
    assert [letter.reason for letter in found.dead_letters] == [BadInput.UNDECODABLE.value]
    assert found.dead_letters[0].value == value


def test_a_failing_rule_costs_its_own_fingerprint_only(monkeypatch: pytest.MonkeyPatch) -> None:
    titled = log_record.Detail.title

    def fails(detail: Any) -> str:
        if detail.message == "bang":
            raise AttributeError("a fault of ours")
        return titled(detail)

    monkeypatch.setattr(log_record.Detail, "title", fails)
    bad = GOOD.replace(b"boom", b"bang")
    found = detect(GOOD, bad, GOOD, bad)
    assert found.anomalies == 2
    assert [(letter.offset, letter.reason) for letter in found.dead_letters] == [
        (1, "failed"),
        (3, "failed"),
    ]
    assert found.below_threshold == 0


def test_a_repaired_record_keeps_what_was_readable() -> None:
    value = '{"n": 1.5, "s": "ü", "l": [true, null], "o": {"k": "v"}}'.encode()
    assert json.loads(repaired(value)) == json.loads(value)


RECORDS = st.fixed_dictionaries(
    {"anomaly_score": st.sampled_from([0.1, 0.99]), "service": st.just("orders")},
    optional={
        name: st.text(max_size=12)
        for name in ("message", "host_name", "environment", "span_id", "trace_id", "level")
    },
)


@given(
    st.lists(st.tuples(RECORDS, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))),
    st.sampled_from([0, 4]),
)
def test_any_bytes_leave_every_record_accounted_for(
    drawn: list[tuple[dict[str, Any], list[tuple[int, int]]]], traces: int
) -> None:
    values = []
    for record, changes in drawn:
        value = bytearray(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        for at, byte in changes:
            value[at % len(value)] = byte
        values.append(bytes(value))
    found = detect(*values, traces=traces)
    counted = sum(len(offsets) for signal in found.signals for offsets in signal.counted())
    dead = [letter.offset for letter in found.dead_letters]
    assert found.records == found.below_threshold + counted + len(dead)
    assert len(dead) == len(set(dead))
