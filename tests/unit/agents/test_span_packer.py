"""Lines of requests as they are packed in detection and read by the traces agent."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from support.configured import correlator_with, detector_for
from support.records import Record

from agents.span_packer import ENCODED_BYTES_MAX, Packer, SlimLine, target_of
from agents.traces import TracesAgent
from ticketing import metrics
from ticketing.domain.events import Correlation
from ticketing.domain.scope import partition_of_scope, scope_of
from ticketing.domain.traces.correlator import Correlator
from ticketing.wire.events import decode_events
from ticketing.wire.topics import EVENTS, TRACES
from ticketing.wire.traces import (
    Position,
    TracePart,
    decode_lines,
    decode_spans,
    encode_positions,
)

TOPIC = "enriched-logs"
ARRIVED = 1_900_000_000.0
ARRIVED_MS = int(ARRIVED * 1000)


def document(**fields: Any) -> dict[str, Any]:
    known = {
        "@timestamp": "2030-03-17T17:46:39.500000Z",
        "level": "INFO",
        "message": "all is well",
        "service": "checkout",
        "tenant_id": "acme",
        "trace_id": "4bf92f",
        "span_id": "s1",
        "endpoint": "POST /pay",
        "duration_ms": 12.5,
        "anomaly_score": 0.1,
    }
    return {k: v for k, v in {**known, **fields}.items() if v is not None}


def packed(*values: Any, partitions: int = 4) -> dict[int, list[TracePart]]:
    raw = [v if isinstance(v, bytes) or v is None else json.dumps(v).encode() for v in values]
    records = [Record(value, offset, ARRIVED_MS) for offset, value in enumerate(raw)]
    detector = detector_for({TOPIC: "id"}, traces_partitions=partitions)
    found: dict[int, list[TracePart]] = {}
    for target, value in detector.detect(TOPIC, 3, records).spans:
        assert len(value) <= ENCODED_BYTES_MAX
        found.setdefault(target, []).extend(decode_spans(value).parts)
    return found


def test_lines_that_grow_when_they_are_read_still_fit_into_messages() -> None:
    # A byte that is no UTF-8 is one in the record and three in the message.
    packer = Packer(f"{TOPIC}:3", lambda *_: "")
    for number in range(24):
        trace_id = "one" if number < 12 else str(number)
        line = SlimLine(trace_id=trace_id, service="s", host_name="\ufffd" * 90_000)
        packer.add(line, Record(b"x" * 90_000, number, ARRIVED_MS), None)
    messages = [value for _, value in packer.messages(1)]
    assert all(len(value) <= ENCODED_BYTES_MAX for value in messages)
    assert sum(part.count for value in messages for part in decode_spans(value).parts) == 24


def test_all_lines_of_a_request_are_followed_not_only_anomalies() -> None:
    found = packed(
        document(), document(anomaly_score=0.95, message="broke"), document(level="WARN")
    )
    ((part,),) = found.values()
    lines = decode_lines(bytes(part.lines))
    assert [line.message for line in lines] == ["all is well", "broke", "all is well"]
    assert (part.tenant, part.trace_id, part.count) == ("acme", "4bf92f", 3)
    (fingerprint,) = part.marks
    assert [line.fingerprint for line in lines] == ["", fingerprint, ""]
    assert lines[0].duration == 0.0125
    assert lines[0].at == 1_899_999_999.5


def test_without_traces_nothing_is_packed() -> None:
    assert packed(document(), partitions=0) == {}


def test_lines_without_a_usable_trace_id_are_not_followed() -> None:
    for id in (None, "", "0000000000000000", "null", "-", "x" * 1000):
        assert packed(document(trace_id=id)) == {}


def test_a_trace_meets_in_one_partition_whichever_run_it_comes_in() -> None:
    many = [document(trace_id=f"{n:08x}") for n in range(100)]
    first, second = packed(*many), packed(*reversed(many))
    assert {t: {p.trace_id for p in parts} for t, parts in first.items()} == {
        t: {p.trace_id for p in parts} for t, parts in second.items()
    }
    assert set(first) == {0, 1, 2, 3}
    assert target_of(("a", "bc"), 1000) != target_of(("ab", "c"), 1000)


def test_tenants_are_kept_apart() -> None:
    parts = [p for found in packed(document(), document(tenant_id="b")).values() for p in found]
    assert sorted(part.tenant for part in parts) == ["acme", "b"]


def test_a_big_run_is_split_into_messages_that_a_broker_takes() -> None:
    big = [document(message="m" * 5000, trace_id="same") for _ in range(1000)]
    found = packed(*big)
    assert sum(part.count for parts in found.values() for part in parts) == 1000
    assert sum(len(parts) for parts in found.values()) > 5


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*document(), "parent_span_id", "host_name"]), values))
def test_whatever_a_field_holds_the_record_is_judged_as_without_traces(found: Any) -> None:
    value = json.dumps({**document(anomaly_score=0.9), **found}).encode()
    ends = []
    for partitions in (0, 4):
        detector = detector_for({TOPIC: "id"}, traces_partitions=partitions)
        detected = detector.detect(TOPIC, 3, [Record(value)])
        for _, message in detected.spans:
            for part in decode_spans(message).parts:
                decode_lines(bytes(part.lines))
        ends.append((detected.anomalies, detected.below_threshold, detected.dead_letters))
    assert ends[0] == ends[1]


class Producer:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, *message: Any) -> None:
        self.sent.append(message)

    async def send_all(self, place: TP, messages: list[Any]) -> int:
        self.sent += [(place.topic, value) for value in messages]
        return 0


def traces_agent(
    correlator: Correlator, producer: Any = None, clock: Callable[[], float] = lambda: ARRIVED
) -> TracesAgent:
    consumer = SimpleNamespace(assignment=lambda: {TP(TRACES, 0)})
    app: Any = SimpleNamespace(
        producer=producer or Producer(), consumer_generation_id=1, consumer=consumer
    )
    nothing: Any = None
    return TracesAgent(
        app, nothing, nothing, correlator, partitions=4, message_bytes_max=1_000_000, clock=clock
    )


async def test_the_agent_sends_what_it_finds_to_the_partition_of_the_scope() -> None:
    clock = SimpleNamespace(now=ARRIVED)
    producer = Producer()
    agent = traces_agent(correlator_with(), producer, lambda: clock.now)
    detector = detector_for({TOPIC: "id"}, traces_partitions=4)
    record = Record(
        json.dumps(document(level="ERROR", anomaly_score=0.95)).encode(), timestamp=ARRIVED_MS
    )
    detected = detector.detect(TOPIC, 3, [record])
    ((target, value),) = detected.spans
    event: Any = SimpleNamespace(message=SimpleNamespace(partition=target))
    await agent.handle([Record(value, 0), Record(b"\xc1", 1)], event)
    assert producer.sent == []
    clock.now += 2.0
    await agent.handle([Record(b"\xc1", 5)], event)
    ((topic, _, events, partition, *_),) = producer.sent
    (body,) = decode_events(events)
    (signal,) = detected.signals
    scope = scope_of(signal.tenant, signal.environment)
    assert isinstance(body, Correlation)
    assert (body.fingerprint, body.scope) == (signal.fingerprint, scope)
    assert (topic, partition) == (EVENTS, partition_of_scope(scope, 4))
    lost = metrics.spans_dropped_total.labels("lost_messages")._value.get()
    assert lost >= 3.0, "offsets 2, 3 and 4 were never seen"


def test_a_request_counts_in_the_scope_of_its_first_line() -> None:
    found = packed(document(environment="prod"), document(environment="test"))
    ((part,),) = found.values()
    assert part.scope == scope_of("acme", "prod")


def test_a_part_of_an_older_release_has_no_scope() -> None:
    part = ("acme", "t", 1, 1.0, {}, [])
    (read,) = decode_spans(msgspec.msgpack.encode(("in:0", [part]))).parts
    assert read.scope == ""


def test_positions_are_no_lines_for_an_older_reader() -> None:
    value = encode_positions([Position("in", 0, 2, ARRIVED)])
    source, parts, positions = msgspec.msgpack.decode(value)
    assert (source, parts, positions) == ("", [], [["in", 0, 2, ARRIVED]])


def test_a_run_tells_how_far_it_has_come_whether_or_not_lines_have_a_trace() -> None:
    detector = detector_for({TOPIC: "id"}, traces_partitions=4)
    values = [document(trace_id=None, **{"@timestamp": ARRIVED - 100 + n}) for n in range(100)]
    records = [
        Record(json.dumps(value).encode(), offset, ARRIVED_MS)
        for offset, value in enumerate(values)
    ]
    detected = detector.detect(TOPIC, 3, records)
    assert detected.spans == []
    assert detected.reached is not None
    assert ARRIVED - 20 < detected.reached < ARRIVED


async def test_positions_hold_requests_back_and_let_them_go() -> None:
    correlator = correlator_with()
    agent = traces_agent(correlator)
    detector = detector_for({TOPIC: "id"}, traces_partitions=1)
    line = document(**{"@timestamp": ARRIVED - 100.0})
    record = Record(json.dumps(line).encode(), timestamp=ARRIVED_MS)
    ((_, value),) = detector.detect(TOPIC, 0, [record]).spans
    event: Any = SimpleNamespace(message=SimpleNamespace(partition=0))
    read = [Position(TOPIC, 0, 2, ARRIVED)]
    await agent.handle([Record(value, 0), Record(encode_positions(read), 1)], event)
    assert not correlator._histories, "the other partition has not told anything"
    await agent.handle([Record(encode_positions([Position(TOPIC, 1, 2, 0.0)]), 2)], event)
    assert not correlator._histories, "nothing of the other partition is read"
    await agent.handle([Record(encode_positions([Position(TOPIC, 1, 2, ARRIVED)]), 3)], event)
    assert [len(history) for history in correlator._histories.values()] == [1]
