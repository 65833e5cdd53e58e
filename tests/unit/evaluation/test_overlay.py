"""Two faults of a recording at once, at the traffic of one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from ticketing.domain.alerts.field_names import LOGCLAW
from ticketing.errors import Misconfigured
from ticketing.evaluation.labels import Fault
from ticketing.evaluation.overlay import LEAD_SECONDS, Pair, pairs, shifting
from ticketing.evaluation.recording import Line
from ticketing.view.times import iso
from ticketing.wire.traces import event_time

START = 1_700_000_000.0
FIRST, SECOND = Fault(START + 1000.0, "db"), Fault(START + 5000.0, "cache")
shift = shifting(LOGCLAW)


def recording() -> list[Line]:
    """A request of two lines each second."""
    lines = []
    for second in range(7000):
        for step in (0.0, 0.5):
            at = START + second + step
            value = json.dumps({"@timestamp": iso(at), "trace_id": f"t{second}"}).encode()
            lines.append(Line(at, value, f"t{second}", len(lines)))
    return lines


@pytest.fixture(scope="module")
def pair() -> Pair:
    (found,) = pairs(recording(), [FIRST, SECOND], shift)
    return found


def test_both_faults_begin_at_the_time_of_the_first(pair: Pair) -> None:
    assert [(fault.at, fault.service, fault.part) for fault in pair.faults] == [
        (FIRST.at, "db", 0),
        (FIRST.at, "cache", 1),
    ]


def test_there_is_as_much_traffic_as_in_the_recording_all_the_time(pair: Pair) -> None:
    minutes = Counter(int((line.at - pair.lines[0].at) // 120) for line in pair.lines)
    counts = [minutes[minute] for minute in sorted(minutes)[:-1]]
    assert min(counts) > 0.75 * 240
    assert max(counts) < 1.25 * 240


def test_a_request_is_whole_and_in_one_half(pair: Pair) -> None:
    assert set(Counter((line.trace_id, line.part) for line in pair.lines).values()) == {2}
    parts: dict[str, set[int]] = {}
    for line in pair.lines:
        parts.setdefault(line.trace_id, set()).add(line.part)
    assert {len(found) for found in parts.values()} == {1}


def test_every_line_says_its_new_time(pair: Pair) -> None:
    assert {line.part for line in pair.lines} == {0, 1}
    for line in pair.lines[::50]:
        assert event_time(json.loads(line.value)["@timestamp"]) == pytest.approx(line.at)


def test_the_time_before_shows_no_other_fault(pair: Pair) -> None:
    assert pair.lines[0].at >= FIRST.at - LEAD_SECONDS
    near = [FIRST, Fault(FIRST.at + 300.0, "web")]
    (closer,) = pairs(recording(), near, shift)
    assert closer.lines[0].at >= FIRST.at - 120.0


def test_two_faults_in_one_service_make_no_pair() -> None:
    assert list(pairs(recording(), [FIRST, Fault(SECOND.at, "db")], shift)) == []


def test_faults_too_close_to_be_told_apart_are_refused() -> None:
    with pytest.raises(Misconfigured, match="can't be told apart"):
        list(pairs(recording(), [FIRST, Fault(FIRST.at + 100.0, "web")], shift))


@pytest.mark.parametrize(
    ("stated", "later"),
    [
        ("2023-01-29T08:52:06Z", "2023-01-29T08:53:06.000Z"),
        (1_700_000_000, 1_700_000_060),
        (1_700_000_000_000, 1_700_000_060_000),
        (1_700_000_000.5, 1_700_000_060.5),
        (None, None),
        ("no time", "no time"),
    ],
)
def test_a_time_is_moved_in_its_own_form(stated: Any, later: Any) -> None:
    moved = shift(json.dumps({"@timestamp": stated, "a": 1}).encode(), 60.0)
    assert json.loads(moved) == {"@timestamp": later, "a": 1}


def test_a_time_inside_an_object_is_moved_too() -> None:
    names = {**LOGCLAW, "timestamp": ("event.time", "@timestamp")}
    moved = shifting(names)(b'{"event": {"time": 1700000000}}', 60.0)
    assert json.loads(moved) == {"event": {"time": 1_700_000_060}}
