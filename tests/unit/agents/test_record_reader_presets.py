"""Records under the names of the presets and of a configuration: read as under LogClaw's names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.configured import detector_for
from support.formats import FULL, IDS, NANOS, OTLP, PARENT, SECONDS, SPAN, TRACE
from support.records import Record

from agents.detection_run import Detected
from agents.identities import reader_of
from ticketing.config import load, validate
from ticketing.domain.alerts.field_names import LEVEL_SCALES, LOGCLAW, PRESETS
from ticketing.domain.severity import Severity
from ticketing.errors import Misconfigured
from ticketing.wire.traces import decode_lines, decode_spans

TOPIC = "enriched-logs"
ARRIVED_MS = 1_900_000_100_000


def run(fields: Any, *records: Any, traces: int = 0) -> Detected:
    values = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    return detector_for({TOPIC: "id"}, traces_partitions=traces, fields=fields).detect(
        TOPIC, 0, [Record(value, offset, ARRIVED_MS) for offset, value in enumerate(values)]
    )


@pytest.mark.parametrize(("fields", "record"), FULL, ids=IDS)
@pytest.mark.parametrize("traces", [0, 4])
def test_every_field_is_found(fields: Any, record: dict[str, Any], traces: int) -> None:
    found = run(fields, record, record, traces=traces)
    assert (found.dead_letters, found.repaired, found.clock_corrections) == ([], 0, 0)
    (signal,) = found.signals
    assert (signal.tenant, signal.service, signal.title) == ("acme", "orders", "db down")
    assert (signal.severity, signal.max_score) == (Severity.CRITICAL, 0.9)
    assert (signal.environment, signal.endpoints) == ("production", ["/orders"])
    assert signal.first_seen == pytest.approx(SECONDS, abs=1e-5)
    assert signal.trace_ids == [TRACE]
    sample = signal.samples[0]
    assert (sample.host, sample.span_id, sample.trace_id) == ("node-3", SPAN, TRACE)
    assert sample.level in ("CRIT", "FATAL")
    if traces:
        ((_, message),) = found.spans
        (part,) = decode_spans(message).parts
        line = decode_lines(bytes(part.lines))[0]
        assert (part.tenant, part.trace_id) == ("acme", TRACE)
        assert (line.span_id, line.parent_id, line.service) == (SPAN, PARENT, "orders")
        assert (line.endpoint, line.duration, line.failed) == ("/orders", 0.0125, True)
        assert (line.score, line.message, line.host) == (0.9, "db down", "node-3")
        assert line.at == pytest.approx(SECONDS, abs=1e-5)
        assert line.fingerprint == signal.fingerprint


@pytest.mark.parametrize(("fields", "record"), FULL, ids=IDS)
@pytest.mark.parametrize("traces", [0, 4])
def test_a_bad_byte_costs_no_page(fields: Any, record: dict[str, Any], traces: int) -> None:
    text = json.dumps(record).encode()
    bad = text.replace(b"db down", b"db d\xfcwn")
    other = text.replace(b"node-3", b"n\xf6de")
    bom = b"\xef\xbb\xbf" + text
    cut = text.replace(b"production", b"\\ud83d")
    key = text[:-1] + b', "k\xe9y": 1}'
    found = run(fields, text, bad, other, bom, cut, key, traces=traces)
    assert (found.anomalies, found.dead_letters) == (6, [])
    titles = {signal.title for signal in found.signals}
    assert titles == {"db down", "db d\ufffdwn"}
    assert found.repaired >= 2


@pytest.mark.parametrize("preset", list(PRESETS))
def test_logclaws_own_record_is_read_under_every_preset(preset: str) -> None:
    record = {"anomaly_score": 0.9, "service": "orders", "message": "boom", "host_name": "h"}
    (signal,) = run(preset, record).signals
    assert (signal.service, signal.samples[0].message, signal.samples[0].host) == (
        "orders",
        "boom",
        "h",
    )


@pytest.mark.parametrize(
    ("fields", "record", "text"),
    [
        ("ecs", {"error": {"message": "db down", "type": "DbError"}}, "db down"),
        ("ecs", {"error.stack_trace": "Error: x\n at y"}, "Error: x\n at y"),
        ("ecs", {"error": "db down"}, "db down"),
        ("otel", {"attributes": {"exception.message": "db down"}}, "db down"),
        ("otel", {"body": {"arrayValue": {"values": [{"intValue": 1}, {}]}}}, "[1,{}]"),
        ("gelf", {"short_message": " ", "full_message": "db down"}, "db down"),
    ],
)
def test_a_record_without_a_message_tells_its_error(
    fields: Any, record: dict[str, Any], text: str
) -> None:
    (signal,) = run(fields, {"anomaly_score": 0.9, "service": "orders", **record}).signals
    assert signal.samples[0].message == text


@pytest.mark.parametrize(
    ("fields", "level", "word"),
    [
        ("gelf", 3, "ERROR"),
        ("gelf", "0", "EMERG"),
        ("gelf", 30, "30"),
        ("otel", 17, "ERROR"),
        ("otel", 5, "DEBUG"),
        ("otel", 0, "0"),
        ("otel", 25, "25"),
        ("otel", "INFO4", "INFO"),
        ("ecs", 50, "ERROR"),
    ],
)
def test_a_number_is_a_level_on_the_presets_scale(fields: str, level: Any, word: str) -> None:
    name = {"otel": "SeverityNumber"}.get(fields, "level")
    record = {"anomaly_score": 0.9, "service": "orders", "message": "boom", name: level}
    assert run(fields, record).signals[0].samples[0].level == word


def test_an_unknown_time_gives_way_to_the_time_of_observation() -> None:
    record = {**OTLP, "timeUnixNano": "0", "observedTimeUnixNano": NANOS}
    assert run("otel", record).signals[0].first_seen == pytest.approx(SECONDS, abs=1e-5)


@pytest.mark.parametrize("fields", list(PRESETS))
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"anomaly_score": "high"}, "invalid_score"),
        ({"anomaly_score": 7}, "invalid_score"),
        ({"tenant_id": 17, "_tenant_id": 17}, "invalid_tenant"),
        ({"service": ""}, "no_service"),
        ({"message": ""}, "no_message"),
    ],
)
def test_what_cannot_be_counted_is_a_dead_letter_under_every_preset(
    fields: str, more: dict[str, Any], reason: str
) -> None:
    good = {"anomaly_score": 0.9, "service": "orders", "message": "boom"}
    found = run(fields, good, {**good, **more}, {**more, "anomaly_score": 0.1}, good)
    assert [letter.reason for letter in found.dead_letters] == [reason]
    assert (found.anomalies, found.below_threshold) == (2, 1)


def test_a_name_is_tried_after_the_one_before_it_says_nothing() -> None:
    fields = {"service": ["a", "b.c"], "message": "text"}
    good = {"anomaly_score": 0.9, "text": "boom"}
    found = run(
        fields,
        {**good, "a": "first", "b": {"c": "second"}},
        {**good, "a": " ", "b.c": "second"},
        {**good, "a": [], "b": {"c": "second"}},
        {**good, "service": "not asked for"},
    )
    assert [signal.service for signal in found.signals] == ["first", "second"]
    assert [letter.reason for letter in found.dead_letters] == ["no_service"]


def test_an_empty_list_reads_nothing() -> None:
    record = {**OTLP, "anomaly_score": 0.9}
    (signal,) = run({"preset": "otel", "tenantId": [], "traceId": []}, record).signals
    assert (signal.tenant, signal.trace_ids) == ("default", [])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"preset": "esc"}, 'input.fields.preset: must be one of .*did you mean "ecs"'),
        ("otlp", 'input.fields: must be one of .*, not "otlp"; did you mean "otel"'),
        ({"servise": "a"}, 'input.fields.servise: .*did you mean "input.fields.service"'),
        ({"service": []}, "input.fields.service: .*at least one"),
        ({"anomalyScore": []}, "input.fields.anomalyScore: .*at least one"),
        ({"service": ["a", ""]}, r"input.fields.service\[1\]"),
        ({"service": 5}, "input.fields.service: must be a list"),
        ({"service": "a..b"}, "input.fields.service.*: .*one dot"),
        ({"message": [], "errorMessage": [], "description": []}, "input.fields.message: "),
    ],
)
def test_a_wrong_name_stops_the_start_with_the_fix(fields: Any, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        validate({"input": {"fields": fields}})


def test_the_environment_sets_names() -> None:
    config = load(
        None,
        {
            "TICKETING_INPUT__FIELDS__PRESET": "gelf",
            "TICKETING_INPUT__FIELDS__SERVICE": "_app, _service",
        },
    )
    assert config.input.fields.names()["service"] == ("_app", "_service")
    assert config.input.fields.names()["message"] == PRESETS["gelf"]["message"]
    assert load(None, {"TICKETING_INPUT__FIELDS": "ecs"}).input.fields.preset == "ecs"


def test_every_preset_has_every_field_and_a_scale() -> None:
    assert set(LEVEL_SCALES) == set(PRESETS)
    for names in PRESETS.values():
        assert list(names) == list(LOGCLAW)


@pytest.mark.parametrize(("fields", "record"), FULL, ids=IDS)
def test_a_recording_is_looked_through_for_scores_under_these_names(
    fields: Any, record: dict[str, Any]
) -> None:
    reader = reader_of(validate({"input": {"fields": fields}}))
    assert reader.has_score(json.dumps(record).encode())
    assert not reader.has_score(b'{"message": "boom"}')
    assert not reader.has_score(b"[")


@pytest.mark.parametrize(
    ("fields", "record"),
    [
        ("otel", {"body": "db down", "resources": {"service.name": "orders"}, "traceid": TRACE}),
        ("gelf", {"short_message": "db down", "_application_name": "orders", "_trace_id": TRACE}),
        ("gelf", {"short_message": "db down", "_app_name": "orders", "_trace_id": TRACE}),
        ("gelf", {"short_message": "db down", "facility": "orders", "_trace_id": TRACE}),
    ],
)
def test_spellings_of_exporters_are_known(fields: str, record: dict[str, Any]) -> None:
    found = run(fields, {"anomaly_score": 0.9, **record})
    assert found.dead_letters == []
    (signal,) = found.signals
    assert (signal.service, signal.trace_ids) == ("orders", [TRACE])


@pytest.mark.parametrize("fields", ["logclaw", "ecs"])
def test_what_nobody_sees_in_a_service_makes_no_other_service(fields: str) -> None:
    names = (
        "orders",
        "orders\u200b",
        " orders",
        "o\x1b[31mrders\x1b[0m",
        "orders\x00",
        "\ufefforders",
    )
    records = [{"anomaly_score": 0.9, "service": name, "message": "db down"} for name in names]
    found = run(fields, *records)
    assert {signal.service for signal in found.signals} == {"orders"}
    assert len({signal.fingerprint for signal in found.signals}) == 1
    (signal,) = found.signals
    assert sum(map(len, signal.offsets.values())) == len(names)


def test_a_service_of_nothing_but_escapes_is_none() -> None:
    found = run(
        "logclaw", {"anomaly_score": 0.9, "service": "\x1b[31m\u200b", "message": "db down"}
    )
    assert [one.reason for one in found.dead_letters] == ["no_service"]
