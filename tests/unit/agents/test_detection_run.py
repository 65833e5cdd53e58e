"""Detection: every record of a run ends below the threshold, in one signal, or as a dead letter."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.configured import detector_for
from support.detecting import (
    ARRIVED,
    ARRIVED_MS,
    EVENT_AT,
    EVENT_TIME,
    TOPIC,
    document,
    offsets,
    run,
)
from support.planted import LINE, PLANTED, leaked
from support.records import Record

from agents.detection_run import MESSAGE_CHARS_MAX
from agents.log_record import Detail, Document
from ticketing.config import Config
from ticketing.config.policy import config_version
from ticketing.domain.alerts.fingerprint import partition_of, stray_fingerprint
from ticketing.domain.alerts.record_fields import BadInput
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Sample
from ticketing.wire.dead_letters import VALUE_BYTES_MAX


def test_equal_patterns_of_a_run_become_one_signal() -> None:
    found = run(
        document(message="order 1 was lost", trace_id="t1", anomaly_score=0.9),
        document(message="all is well", anomaly_score=0.2),
        document(message="order 2 was lost", trace_id="t2", anomaly_score=0.99),
    )
    (signal,) = found.signals
    assert signal.offsets == {int(EVENT_AT // 60 * 60): [0, 2]}
    assert signal.source == "id:3"
    assert (signal.arrived, signal.last_arrived) == (ARRIVED, ARRIVED)
    assert signal.max_score == 0.99
    assert signal.severity is Severity.CRITICAL
    assert signal.trace_ids == ["t1", "t2"]
    assert [sample.offset for sample in signal.samples] == [2, 0]
    assert (found.records, found.anomalies, found.below_threshold) == (3, 2, 1)


def test_a_record_with_every_field_leaves_no_field_of_a_signal_at_its_default() -> None:
    every = {field.encode_name: field.name for field in msgspec.structs.fields(Detail)}
    record = {**every, **document(affected_services=["cart"])}
    (signal,) = run(record, {**record, "message": CUT_UP[1]}).signals
    (sample,) = signal.samples
    assert _left_at_defaults(signal) == []
    assert _left_at_defaults(sample) == []


def _left_at_defaults(value: Anomalies | Sample) -> list[str]:
    required = {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.default is MISSING and field.default_factory is MISSING
    }
    bare = type(value)(**required)
    optional = [field.name for field in fields(value) if field.name not in required]
    return [name for name in optional if getattr(value, name) == getattr(bare, name)]


def test_a_signal_keeps_the_version_of_the_configuration_that_judged() -> None:
    as_ever, other = (
        run(document(), detector=detector_for({TOPIC: "id"}, anomaly=anomaly)).signals[0].config
        for anomaly in ({}, {"minimumScore": 0.8})
    )
    assert as_ever == config_version(Config())
    assert other not in ("", as_ever)


def test_tenants_environments_and_services_are_kept_apart() -> None:
    others = [{"tenant_id": "other"}, {"service": "other"}, {"environment": "test"}]
    found = run(document(), *(document(**other) for other in others))
    assert len({signal.fingerprint for signal in found.signals}) == 4
    assert [signal.environment for signal in found.signals] == ["", "", "", "test"]


def test_a_services_signals_go_to_one_partition() -> None:
    found = run(document(), document(message="disk full"), document(service="other"))
    packed = found.by_partition(12)
    assert len(packed[partition_of("acme", "checkout", 12)]) >= 2
    assert sum(map(len, packed.values())) == 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, BadInput.UNDECODABLE),
        (b"", BadInput.UNDECODABLE),
        (b"\xff\xfe{", BadInput.UNDECODABLE),
        (b"not json", BadInput.UNDECODABLE),
        (b"[1, 2]", BadInput.UNDECODABLE),
        (b"[" * 100_000, BadInput.UNDECODABLE),
        (b'{"anomaly_score": NaN}', BadInput.UNDECODABLE),
        (b'{"anomaly_score": "high"}', BadInput.INVALID_SCORE),
        (document(anomaly_score=7), BadInput.INVALID_SCORE),
        (document(anomaly_score=-0.5), BadInput.INVALID_SCORE),
        (document(service=None), BadInput.NO_SERVICE),
        (document(service="  "), BadInput.NO_SERVICE),
        (document(message=None), BadInput.NO_MESSAGE),
        (document(message=[]), BadInput.NO_MESSAGE),
        (document(message=True), BadInput.NO_MESSAGE),
        (document(anomaly_score=True), BadInput.INVALID_SCORE),
        (b'{"anomaly_score": 1e999}', BadInput.INVALID_SCORE),
        (document(tenant_id=5), BadInput.INVALID_TENANT),
    ],
)
def test_a_bad_record_is_a_dead_letter_and_its_neighbours_count(
    value: Any, reason: BadInput
) -> None:
    found = run(document(), value, document(message="disk full"))
    (letter,) = found.dead_letters
    expected = BadInput.EMPTY if value in (None, b"") else reason
    assert letter.reason == expected.value
    assert (letter.topic, letter.partition, letter.offset) == (TOPIC, 3, 1)
    assert offsets(found) == [0, 2]
    assert found.below_threshold == 0


def test_a_dead_letter_keeps_a_large_records_beginning_and_size() -> None:
    (letter,) = run(b"x" * 10_000_000).dead_letters
    assert letter.size == 10_000_000
    assert letter.value == b"x" * VALUE_BYTES_MAX


def test_a_fault_of_our_own_rules_harms_only_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = detector_for({TOPIC: "id"})
    identity_of = detector.identities.of

    def failing(one: Document) -> Any:
        if one.message == "break":
            raise IndexError("list index out of range")
        return identity_of(one)

    monkeypatch.setattr(detector.identities, "of", failing)
    found = run(document(), document(message="break"), document(), detector=detector)
    (letter,) = found.dead_letters
    assert letter.reason == BadInput.FAILED.value
    assert offsets(found) == [0, 2]


def test_a_faulty_only_record_leaves_no_signal() -> None:
    detector = detector_for({TOPIC: "id"})

    def failing(severity: str | None, level: str | None) -> None:
        if severity == "break":
            raise IndexError("list index out of range")

    detector.stated = failing  # type: ignore[assignment]
    found = run(document(), document(service="other", severity="break"), detector=detector)
    assert offsets(found) == [0]
    assert [letter.offset for letter in found.dead_letters] == [1]


@pytest.mark.parametrize(
    "at",
    ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "soon", 17, ["a"]],
)
def test_an_implausible_event_time_is_replaced_by_the_arrival(at: object) -> None:
    found = run(document(**{"@timestamp": at}), document())
    (signal,) = found.signals
    assert (signal.first_seen, signal.last_seen) == (EVENT_AT, ARRIVED)
    assert found.clock_corrections == 1


def test_a_record_without_a_time_has_its_arrival() -> None:
    found = run(document(**{"@timestamp": None}))
    assert found.signals[0].first_seen == ARRIVED
    assert found.clock_corrections == 0


@pytest.mark.parametrize(
    "at",
    ["2030-03-18T02:46:39.5+09:00", "2030-03-17T17:46:39.5", "2030-03-17 17:46:39.5Z", EVENT_AT],
)
def test_an_event_time_may_be_written_in_many_ways(at: object) -> None:
    (signal,) = run(document(**{"@timestamp": at})).signals
    assert signal.first_seen == EVENT_AT


def test_a_score_that_is_missing_is_below_the_threshold() -> None:
    found = run({"message": "no score", "service": "a"}, document(anomaly_score=0.84))
    assert (found.anomalies, found.below_threshold, found.dead_letters) == (0, 2, [])


def test_an_anomaly_event_says_what_happened_in_other_fields() -> None:
    event = document(message=None, error_message="card declined", affected_services=["a", "b"])
    (signal,) = run({**event, "affected_endpoint": "/pay", "severity": "low"}).signals
    assert signal.title == "card declined"
    assert signal.affected_services == ["a", "b"]
    assert signal.endpoints == ["/pay"]
    assert signal.severity is Severity.LOW


def test_a_score_speaks_only_for_records_that_state_no_severity() -> None:
    records = [document(severity="low", anomaly_score=0.99), document(anomaly_score=0.9)]
    (signal,) = run(*records).signals
    assert signal.severity is Severity.MEDIUM
    (signal,) = run(*records[:1]).signals
    assert signal.severity is Severity.LOW


def test_a_recreated_topic_is_another_source() -> None:
    old = detector_for({TOPIC: "a"}).source(TOPIC, 0)
    assert detector_for({TOPIC: "b"}).source(TOPIC, 0) != old
    assert detector_for({TOPIC: "a"}).source(TOPIC, 1) != old


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "anomaly_score": json_values | st.floats(0, 1),
        "message": json_values | st.text(),
        "service": json_values | st.sampled_from(["a", "b"]),
        "tenant_id": json_values | st.sampled_from(["x", "y"]),
        "@timestamp": json_values | st.just(EVENT_TIME),
        "severity": json_values,
        "level": json_values,
        "trace_id": json_values,
        "endpoint": json_values,
        "affected_services": json_values,
    },
)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=40) | documents, min_size=1, max_size=20))
def test_in_a_storm_the_same_is_found(values: list[Any]) -> None:
    detector = detector_for({TOPIC: "id"})
    run(document(), document(), detector=detector)
    assert run(*values, detector=detector) == run(*values)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=40) | documents, min_size=1, max_size=20))
def test_whatever_comes_each_record_ends_in_exactly_one_place(values: list[Any]) -> None:
    found = run(*values)
    counted = offsets(found)
    dead = [letter.offset for letter in found.dead_letters]
    assert len(counted) == len(set(counted)) == found.anomalies
    assert len(dead) == len(set(dead))
    assert not set(counted) & set(dead)
    assert found.below_threshold + len(counted) + len(dead) == len(values)


CUT_UP = [
    "java.lang.IllegalStateException: cart locked",
    "\tat com.shop.Cart.add(Cart.java:11)",
    "\tat com.shop.Api.post(Api.java:20)",
    "Caused by: java.sql.SQLTimeoutException: no row",
    "\tat com.shop.Db.lock(Db.java:5)",
    "\t... 3 more",
]


def test_a_trace_of_a_record_per_line_is_one_fault_and_its_frames() -> None:
    found = run(*(document(message=text, host_name="n1") for text in CUT_UP))
    (fault,) = found.signals
    assert fault.title == CUT_UP[0]
    assert fault.frames == [1, 2, 3, 4, 5]
    assert (offsets(found), found.anomalies) == (list(range(6)), 6)
    assert fault.samples[0].message == "\n".join(CUT_UP)


def test_frames_without_a_record_before_them_are_stray() -> None:
    found = run(*(document(message=text) for text in CUT_UP[1:]))
    (frames,) = found.signals
    assert frames.fingerprint == stray_fingerprint("acme", "", "checkout")
    assert (frames.title, frames.severity) == ("stray stack frames", Severity.LOW)
    assert (frames.frames, offsets(found)) == ([], list(range(5)))


def test_frames_count_with_the_record_of_their_own_host_and_service_only() -> None:
    found = run(
        document(message=CUT_UP[0], host_name="n1"),
        document(message=CUT_UP[1], host_name="n2"),
        document(message=CUT_UP[2], host_name="n1", service="other"),
        document(message=CUT_UP[4], host_name="n1"),
    )
    assert found.signals[0].samples[0].message == f"{CUT_UP[0]}\n{CUT_UP[4]}"
    assert found.signals[0].frames == [3]
    assert offsets(found) == [0, 1, 2, 3]


def test_hosts_that_interleave_keep_their_frames() -> None:
    lines = [(CUT_UP[0], "n1"), ("cart gone", "n2"), (CUT_UP[1], "n1"), (CUT_UP[2], "n2")]
    found = run(*(document(message=text, host_name=host) for text, host in lines))
    assert [signal.frames for signal in found.signals] == [[2], [3]]


def test_frames_count_once_however_a_run_is_cut() -> None:
    detector = detector_for({TOPIC: "id"})
    records = [
        Record(json.dumps(document(message=text)).encode(), offset, ARRIVED_MS)
        for offset, text in enumerate(CUT_UP)
    ]
    for cut in range(1, len(records)):
        parts = [detector.detect(TOPIC, 3, part) for part in (records[:cut], records[cut:])]
        assert sorted(offset for part in parts for offset in offsets(part)) == list(range(6))


def test_frames_leave_no_mark_in_traces() -> None:
    """A fault's page may be held while its cause has one: frames have no page, and are no cause."""
    detector = detector_for({TOPIC: "id"}, traces_partitions=4)
    trace_id = "a" * 31 + "b"
    found = run(*(document(message=text, trace_id=trace_id) for text in CUT_UP), detector=detector)
    (sent,) = [msgspec.msgpack.decode(value) for _, value in found.spans]
    (_, ((_, _, _, _, marks, rows, _, _),)) = sent
    assert list(marks) == [found.signals[0].fingerprint]
    assert len(rows) == len(CUT_UP)


def test_what_nobody_sees_is_in_nothing_that_people_see() -> None:
    detector = detector_for({TOPIC: "id"}, traces_partitions=4)
    dirty = "\x1b[31mERROR\x1b[0m disk\u200b \x00is\u202e full"
    found = run(
        document(
            message=dirty, trace_id="a" * 31 + "b", endpoint="\x1b[1m/pay", host_name="n\x001"
        ),
        document(message="\ufeffERROR disk is full"),
        detector=detector,
    )
    (signal,) = found.signals
    assert signal.title == signal.pattern == "ERROR disk is full"
    assert {sample.message for sample in signal.samples} == {"ERROR disk is full"}
    assert (signal.samples[0].endpoint, signal.samples[0].host) == ("/pay", "n1")
    assert b"\x1b" not in b"".join(value for _, value in found.spans)


def test_texts_are_stored_as_they_are_unless_storage_is_scrubbed() -> None:
    record = document(message=LINE, endpoint=f"/login?mail={PLANTED['email']}")
    (plain,) = run(record).signals
    assert leaked(plain.samples[0].message) == [*PLANTED]
    detector = detector_for({TOPIC: "id"}, privacy={"scrub": {"storage": True}})
    (scrubbed,) = run(record, detector=detector).signals
    shown = [scrubbed.title, scrubbed.pattern, *scrubbed.endpoints, scrubbed.samples[0].message]
    assert not leaked("\n".join([*shown, scrubbed.samples[0].endpoint]))
    # The fault is the same one, so that the setting can be changed while incidents are open.
    assert scrubbed.fingerprint == plain.fingerprint


def test_the_lines_of_requests_are_scrubbed_with_the_storage() -> None:
    detector = detector_for(
        {TOPIC: "id"}, traces_partitions=2, privacy={"scrub": {"storage": True}}
    )
    detected = run(
        document(message=LINE, endpoint=LINE, trace_id="4bf92f3577b34da6"), detector=detector
    )
    assert detected.spans
    assert not leaked("".join(value.decode("utf-8", "replace") for _, value in detected.spans))


def test_a_message_that_is_cut_is_marked_so_that_half_a_secret_is_known() -> None:
    (signal,) = run(document(message="x" * (MESSAGE_CHARS_MAX - 10) + f" {LINE}")).signals
    assert len(signal.samples[0].message) == MESSAGE_CHARS_MAX
    assert signal.samples[0].message.endswith("…")


def test_tenants_that_nobody_knows_share_one() -> None:
    detector = detector_for({TOPIC: "id"}, tenants=["acme"], traces_partitions=1)
    names = ["acme", *(f"new-{number}" for number in range(120)), None]
    found = run(
        *(document(tenant_id=name, trace_id=f"{n:016x}") for n, name in enumerate(names, 1)),
        detector=detector,
    )
    assert {signal.tenant for signal in found.signals} == {"acme", "unknown"}
    # The requests too, and what is slow.
    assert "new-7" not in "".join(value.decode("utf-8", "replace") for _, value in found.spans)
    slow = document(tenant_id="new-1", level="INFO", endpoint="GET /", duration_ms=9000.0)
    assert {signal.tenant for signal in run(slow, detector=detector).signals} == {"unknown"}


def test_without_known_tenants_every_name_is_one() -> None:
    found = run(document(tenant_id="a"), document(tenant_id="b"))
    assert {signal.tenant for signal in found.signals} == {"a", "b"}
