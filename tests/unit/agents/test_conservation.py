"""Whatever comes in: below the threshold, counted once, or a dead letter, and nothing besides."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from support.configured import policy_with
from support.partition import MemoryPartition
from support.records import Record

from agents.detection_run import Detector
from agents.incidents import IncidentMachine
from ticketing.config.loading import validate
from ticketing.domain.incidents.incident import Incident, Kind
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Origin
from ticketing.wire import signals

PARTITIONS = 2
ORIGIN = Origin(topic="logs", partition=0, since="id:0")
MESSAGES = st.one_of(
    st.sampled_from(["disk is full", "order 17 failed", "order 18 failed", "timeout after 30ms"]),
    st.sampled_from(["\tat a.B.c(B.java:5)", "\t... 3 more", "Caused by: a.b.FooException: no"]),
    st.text(max_size=30),
)
SCORES = st.one_of(
    st.none(), st.floats(0, 1), st.sampled_from([0.85, 0.8499, 1, 0, 7, -1, "0.9", [], True])
)
DOCUMENTS = st.builds(
    lambda score, message, service, tenant, at: json.dumps(
        {
            "anomaly_score": score,
            "message": message,
            "service": service,
            "tenant_id": tenant,
            "@timestamp": at,
        }
    ).encode(),
    SCORES,
    st.one_of(MESSAGES, st.none(), st.integers()),
    st.sampled_from(["orders", "payment", "", None, 5]),
    st.sampled_from([None, "acme", "", 3]),
    st.sampled_from([None, "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "soon", 5]),
)
VALUES = st.one_of(DOCUMENTS, DOCUMENTS, DOCUMENTS, st.binary(max_size=20), st.none())


class Writer:
    """The incidents of one partition of the signals."""

    def __init__(self, policy: Policy, number: int) -> None:
        self.counted = 0
        self.offset = 0
        machine = IncidentMachine(
            policy, inputs=["logs"], counted=self.count, partitions=PARTITIONS
        )
        self._partition = MemoryPartition(machine, number)

    def count(self, partition: int, offset: int, total: int) -> None:
        self.counted = total

    def take(self, values: list[bytes]) -> None:
        records = [Record(value, self.offset + i, 1_000_000) for i, value in enumerate(values)]
        self.offset += len(records)
        self._partition.fold(records)

    def incidents(self) -> list[Incident]:
        return list(self._partition.incidents().values())


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(VALUES, max_size=60),
    limit=st.sampled_from([0, 1, 3]),
    group_by=st.sampled_from(["pattern", "service"]),
    data=st.data(),
)
def test_records_in_are_below_counted_or_dead(
    values: list[bytes | None], limit: int, group_by: str, data: st.DataObject
) -> None:
    detector = Detector.of(validate({}), {"logs": "id"})
    policy = policy_with(
        max_patterns_per_service=limit,
        group_by=group_by,
        routing={Severity.HIGH: ("slack",)},
        platforms=("slack",),
    )
    writers = [Writer(policy, number) for number in range(PARTITIONS)]
    below = anomalies = dead = start = 0
    queues: list[list[bytes]] = [[] for _ in writers]
    while start < len(values):
        end = data.draw(st.integers(start + 1, len(values)))
        run = [
            Record(value, start + i, 1_800_000_000_000) for i, value in enumerate(values[start:end])
        ]
        detected = detector.detect("logs", 0, run)
        below += detected.below_threshold
        anomalies += detected.anomalies
        dead += len(detected.dead_letters)
        for number, bodies in detected.by_partition(PARTITIONS).items():
            queues[number].append(signals.encode_signals([ORIGIN, *bodies]))
        start = end
    for writer, queue in zip(writers, queues, strict=True):
        if queue:
            cut = data.draw(st.integers(0, len(queue)))
            for part in (queue[:cut], queue[cut:]):
                if part:
                    writer.take(part)
    counted = sum(incident.count for writer in writers for incident in writer.incidents())
    assert counted == anomalies == sum(writer.counted for writer in writers)
    assert len(values) == below + counted + dead


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.sampled_from(
            [
                "a.FooException: no",
                "disk is full",
                "\tat a.B.c(B.java:5)",
                "\t... 3 more",
                '  File "a", line 1',
            ]
        ),
        min_size=1,
        max_size=30,
    ),
    group_by=st.sampled_from(["pattern", "service"]),
    data=st.data(),
)
def test_a_trace_of_a_record_per_line_counts_once_however_often_it_is_read_and_cut(
    texts: list[str], group_by: str, data: st.DataObject
) -> None:
    """Detection goes back behind what it sent and cuts its runs elsewhere, as after a restart."""
    detector = Detector.of(validate({}), {"logs": "id"})
    routing = {severity: ("slack",) for severity in Severity}
    writer = Writer(policy_with(group_by=group_by, routing=routing, platforms=("slack",)), 0)
    values = [
        json.dumps({"anomaly_score": 0.99, "message": text, "service": "s"}).encode()
        for text in texts
    ]
    start, returns = 0, 3
    while start < len(values):
        end = data.draw(st.integers(start + 1, len(values)))
        run = [
            Record(value, start + i, 1_800_000_000_000) for i, value in enumerate(values[start:end])
        ]
        bodies = [ORIGIN, *detector.detect("logs", 0, run).signals]
        writer.take([signals.encode_signals(bodies)])
        start = end
        if returns and data.draw(st.booleans()):
            returns -= 1
            start = data.draw(st.integers(0, end))
    found = writer.incidents()
    assert sum(incident.count for incident in found) == len(values) == writer.counted
    frames = sum(text.startswith(("\t", " ")) for text in texts)
    stray = [incident for incident in found if incident.kind is Kind.STRAY]
    assert sum(incident.count for incident in stray) == frames
    assert all(incident.routes == [] for incident in stray)
