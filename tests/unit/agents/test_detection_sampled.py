"""Where many requests come a share of them is followed, and every record is judged as before."""

from __future__ import annotations

import json
from typing import Any

from support.configured import detector_for
from support.detecting import EVENT_AT, TOPIC, document
from support.records import Record

from agents.detection_run import Detected, Detector
from ticketing.domain.traces.sampling import ANOMALOUS_MAX, FOLLOWED_MAX, LOTS, lot_of
from ticketing.wire.traces import TracePart, decode_lines, decode_spans

ARRIVED_MS = int(EVENT_AT * 1000)
TOGETHER = 1_000


def line(request: int, **fields: Any) -> dict[str, Any]:
    """A harmless line of one of many requests."""
    known = {"trace_id": f"{request + 1:032x}", "anomaly_score": 0.1, "level": "INFO", **fields}
    return document(**known)


def detected(detector: Detector, values: list[dict[str, Any]]) -> list[Detected]:
    """Runs over records, a thousand at a time."""
    records = [
        Record(json.dumps(value).encode(), offset, ARRIVED_MS)
        for offset, value in enumerate(values)
    ]
    return [
        detector.detect(TOPIC, 0, records[start : start + TOGETHER])
        for start in range(0, len(records), TOGETHER)
    ]


def parts_of(runs: list[Detected]) -> list[TracePart]:
    """The lines that went out."""
    return [part for run in runs for _, value in run.spans for part in decode_spans(value).parts]


def follower() -> Detector:
    """A detector that follows requests."""
    return detector_for({TOPIC: "id"}, traces_partitions=1)


def test_of_many_requests_a_share_is_followed_with_all_of_their_lines() -> None:
    count = 10 * FOLLOWED_MAX
    detector = follower()
    first = detected(detector, [line(number) for number in range(count)])
    level = detector.requests[TOPIC, 0].of(detector.line_scope("acme", None)).level
    assert level > 2
    again = detected(detector, [line(number) for number in range(count) for _ in range(2)])
    parts = parts_of(again)
    ids = {f"{number + 1:032x}" for number in range(count)}
    assert {part.trace_id for part in parts} == {id for id in ids if lot_of(id) < LOTS >> level}
    assert {part.count for part in parts} == {2}
    assert {part.halved for part in parts} == {level}
    assert sum(run.passed_by for run in again) == 2 * (count - len(parts))
    assert [run.reached for run in again] == [first[0].reached] * len(again)
    assert all(run.anomalies == 0 for run in [*first, *again])


def test_every_record_is_judged_whether_its_request_is_followed_or_not() -> None:
    values: list[dict[str, Any]] = [line(number) for number in range(4 * FOLLOWED_MAX)]
    values += [
        line(number, anomaly_score=0.95 if number % 7 == 0 else 0.2) for number in range(2_000)
    ]
    values += [document(trace_id=7), document(trace_id=None), {"anomaly_score": 2.0}, line(1)]
    with_traces = detected(follower(), values)
    without = detected(detector_for({TOPIC: "id"}), values)
    assert any(run.passed_by for run in with_traces)
    for one, other in zip(with_traces, without, strict=True):
        assert (one.records, one.anomalies) == (other.records, other.anomalies)
        assert one.signals == other.signals
        assert len(one.dead_letters) == len(other.dead_letters)


def test_some_requests_with_anomalies_are_followed_beside_the_share() -> None:
    detector = follower()
    detected(detector, [line(number) for number in range(100 * FOLLOWED_MAX)])
    level = detector.requests[TOPIC, 0].of(detector.line_scope("acme", None)).level
    beyond = [n for n in range(2_000) if lot_of(f"{n + 1:032x}") >= LOTS >> level]
    values = [line(n, **kind) for n in beyond[:400] for kind in ({}, {"anomaly_score": 0.95})]
    parts = parts_of(detected(detector, values))
    assert len(parts) == ANOMALOUS_MAX
    assert {len(decode_lines(bytes(part.lines))) for part in parts} == {2}
    assert all(part.marks for part in parts)
