"""Values as they really come, under LogClaw's names: read, counted and shown for what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.configured import detector_for
from support.records import Record

from agents.detection_run import Detected
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample
from ticketing.wire.traces import decode_lines, decode_spans

TOPIC = "enriched-logs"
AT = 1_900_000_000.25
ARRIVED_MS = 1_900_000_100_000
ZEROS = "0" * 32


def run(*records: dict[str, Any], traces: int = 0, fields: Any = "logclaw") -> Detected:
    detector = detector_for({TOPIC: "id"}, traces_partitions=traces, fields=fields)
    base = {"anomaly_score": 0.9, "service": "orders", "message": "boom"}
    values = [json.dumps({**base, **record}).encode() for record in records]
    return detector.detect(
        TOPIC, 0, [Record(value, offset, ARRIVED_MS) for offset, value in enumerate(values)]
    )


def signal(**record: Any) -> Anomalies:
    found = run(record)
    assert found.dead_letters == []
    (only,) = found.signals
    return only


def sample(**record: Any) -> Sample:
    return signal(**record).samples[0]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"msg": "db down", "code": 5}, "db down"),
        ({"message": "db down"}, "db down"),
        ({"code": 5, "error": "db down"}, "db down"),
        ({"error": {"code": 5, "message": "db down"}}, "db down"),
        ({"event": {"log": {"body": "db down"}}}, "db down"),
        ({"code": 5, "why": "ü"}, '{"code":5,"why":"ü"}'),
        ({"error": 5, "why": ""}, '{"error":5,"why":""}'),
        ({"log": {"level": "x"}, "n": 1}, '{"log":{"level":"x"},"n":1}'),
        (["a", "b"], '["a","b"]'),
        (["db down"], "db down"),
        ([{"message": "db down"}], "db down"),
        (17, "17"),
        (2.5, "2.5"),
    ],
)
def test_a_message_of_any_type_is_text(message: Any, text: str) -> None:
    assert sample(message=message).message == text


@pytest.mark.parametrize("message", [None, {}, [], "", True, False])
def test_a_message_that_says_nothing_gives_way_to_the_error(message: Any) -> None:
    assert sample(message=message, error_message={"message": "db down"}).message == "db down"


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ({"name": "orders", "version": 3}, "orders"),
        ({"id": "orders"}, "orders"),
        (["orders"], "orders"),
        (17, "17"),
    ],
)
def test_a_service_is_what_names_it(service: Any, name: str) -> None:
    assert signal(service=service).service == name


@pytest.mark.parametrize("service", [{}, [], ["a", "b"], True, {"name": {}}, "", None])
def test_a_service_that_nothing_names_is_a_dead_letter_and_neighbours_count(service: Any) -> None:
    found = run({}, {"service": service}, {})
    assert [letter.reason for letter in found.dead_letters] == ["no_service"]
    assert found.anomalies == 2


@pytest.mark.parametrize(
    "level", ["crit", "emerg", "EMERGENCY", "alert", "panic", "Fatal", 60, "60", 0, 1, 2, "2"]
)
def test_a_level_above_error_is_critical(level: Any) -> None:
    assert signal(level=level).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (3, "ERROR"),
        ("3", "ERROR"),
        (4, "WARN"),
        (7, "DEBUG"),
        (10, "TRACE"),
        (30, "INFO"),
        (50.0, "ERROR"),
        (35, "INFO"),
        (8, "8"),
        (999, "999"),
        (-1, "-1"),
        ("notice", "notice"),
        ({"name": "error"}, "error"),
        (True, ""),
        ([], ""),
    ],
)
def test_a_level_is_a_word(level: Any, word: str) -> None:
    found = sample(level=level)
    assert found.level == word
    assert signal(level=level).severity is Severity.MEDIUM


def test_a_severity_of_another_vocabulary_that_is_critical() -> None:
    assert signal(severity="EMERGENCY").severity is Severity.CRITICAL
    assert signal(severity="warning").severity is Severity.MEDIUM
    assert signal(severity=1).severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "at",
    [
        AT,
        AT * 1e3,
        int(AT * 1e6),
        int(AT * 1e9),
        str(AT),
        str(int(AT * 1e3)),
        "2030-03-17T17:46:40,250Z",
        "2030-03-17 17:46:40.25",
        "2030-03-17 19:46:40.25+0200",
        "20300317T174640.25Z",
    ],
)
@pytest.mark.parametrize("traces", [0, 4])
def test_a_time_is_read_in_any_usual_form(at: Any, traces: int) -> None:
    found = run({"@timestamp": at, "trace_id": "t1"}, traces=traces)
    (only,) = found.signals
    assert only.first_seen == pytest.approx(AT, abs=1e-5)
    assert found.clock_corrections == 0
    for _, message in found.spans:
        (part,) = decode_spans(message).parts
        assert [line.at for line in decode_lines(bytes(part.lines))] == [
            pytest.approx(AT, abs=1e-5)
        ]


@pytest.mark.parametrize(
    "at",
    [
        "17/Mar/2030:17:46:40 +0000",
        "Sun, 17 Mar 2030 17:46:40 GMT",
        "2030-03-17T17:46:40",
        "2030-03-17 18:46:40 +0100 CET",
        "2030-03-17T18:46:40+01:00[Europe/Berlin]",
        "2030/03/17 17:46:40",
    ],
)
def test_a_time_of_web_servers_mail_and_other_languages(at: str) -> None:
    assert signal(**{"@timestamp": at}).first_seen == 1_900_000_000.0


def test_numbers_of_several_units_stand_in_one_order() -> None:
    (only,) = run({"@timestamp": 1_900_000_050.0}, {"@timestamp": 1_900_000_001_000}).signals
    assert (only.first_seen, only.last_seen) == (1_900_000_001.0, 1_900_000_050.0)


@pytest.mark.parametrize(
    "nothing",
    [ZEROS, "0", "-", "none", "None", "null", "undefined", "", " ", "(null)", "0x0", ZEROS[:16]],
)
def test_an_id_that_names_nothing_is_neither_followed_nor_shown(nothing: str) -> None:
    found = run(
        {"trace_id": nothing, "span_id": nothing},
        {"trace_id": "4bf92f3577b34da6", "span_id": nothing, "parent_span_id": nothing},
        traces=4,
    )
    (only,) = found.signals
    assert only.trace_ids == ["4bf92f3577b34da6"]
    assert {(one.trace_id, one.span_id) for one in only.samples} == {
        ("", ""),
        ("4bf92f3577b34da6", ""),
    }
    ((_, message),) = found.spans
    (part,) = decode_spans(message).parts
    assert part.trace_id == "4bf92f3577b34da6"
    assert [(line.span_id, line.parent_id) for line in decode_lines(bytes(part.lines))] == [
        ("", "")
    ]


@pytest.mark.parametrize("score", ["0.9", " 0.90 ", "9e-1"])
def test_a_score_in_quotes_is_a_score(score: str) -> None:
    assert signal(anomaly_score=score).max_score == 0.9
    assert run({"anomaly_score": "0.2"}).below_threshold == 1


@pytest.mark.parametrize("score", ["high", "", "0,9", "NaN", True, [0.9], {}, "7", 7, "-1"])
def test_what_is_no_score_is_a_dead_letter(score: Any) -> None:
    found = run({}, {"anomaly_score": score}, {})
    assert len(found.dead_letters) == 1
    assert found.anomalies == 2


@pytest.mark.parametrize(
    "name",
    [
        *("level", "severity", "@timestamp", "trace_id", "span_id", "parent_span_id", "endpoint"),
        *("environment", "host_name", "affected_services", "affected_endpoint", "duration_ms"),
        *("error_message", "description"),
    ],
)
@pytest.mark.parametrize("value", [True, [], {}, {"a": [1]}, [[[]]], "\x00", -1e300])
@pytest.mark.parametrize("traces", [0, 4])
def test_a_wrong_value_in_any_field_costs_no_record(name: str, value: Any, traces: int) -> None:
    found = run({"trace_id": "t1"}, {"trace_id": "t1", name: value}, traces=traces)
    assert (found.anomalies, found.dead_letters) == (2, [])


def test_a_number_that_json_does_not_have_costs_its_field_only() -> None:
    detector = detector_for({TOPIC: "id"}, traces_partitions=4)
    value = b'{"anomaly_score": 0.9, "service": "s", "message": "m", "trace_id": "t", %s}'
    values = [value % b'"duration_ms": NaN', value % b'"x": 1e999', value % b'"x": -Infinity']
    found = detector.detect(TOPIC, 0, [Record(v, n, ARRIVED_MS) for n, v in enumerate(values)])
    assert (found.anomalies, found.dead_letters) == (3, [])


def test_a_line_with_a_level_that_is_a_number_tells_of_its_request() -> None:
    found = run({"trace_id": "t1", "level": 50, "duration_ms": "12.5"}, traces=4)
    ((_, message),) = found.spans
    (line,) = decode_lines(bytes(decode_spans(message).parts[0].lines))
    assert (line.level, line.failed, line.duration) == ("ERROR", True, 0.0125)
