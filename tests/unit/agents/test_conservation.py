"""Whatever comes in: below the threshold, counted once, or a dead letter, and nothing besides."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.alerts import alert_policy_with
from support.partition import MemoryPartition
from support.records import Record

from agents.alerts import AlertMachine
from agents.detection_run import Detector
from ticketing.config.loading import validate
from ticketing.domain.alerts.alert import Alert, AlertKind
from ticketing.domain.signals import Origin
from ticketing.wire import signals

PARTITIONS = 2
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


RULES: list[list[dict[str, str]]] = [
    [],
    [{"name": "all", "pattern": "disk|order", "replace": "thing"}],
    [{"name": "none", "pattern": "[a-z]+", "replace": "<word>"}],
]
DETECTORS = [
    Detector.of(validate({"anomaly": {"patternRules": rules}}), {"logs": "id"}) for rules in RULES
]
"""Detection before and after changes of the pattern rules."""


def origin(records: list[Record]) -> Origin:
    return Origin(topic="logs", partition=0, since="id:0", through=records[-1].offset)


class Counter:
    """The alerts of one partition of the signals; its process may die before or after its write."""

    def __init__(self, number: int, limit: int = 0) -> None:
        self.counted = 0
        self.number = number
        self.log: list[Record] = []
        self.handled = 0
        self._partition = MemoryPartition(self._machine(limit), number)

    def _machine(self, limit: int) -> AlertMachine:
        policy = alert_policy_with(max_patterns_per_service=limit)
        return AlertMachine(policy, inputs=["logs"], counted=self.count, partitions=PARTITIONS)

    def count(self, partition: int, offset: int, total: int) -> None:
        self.counted = total

    def append(self, value: bytes) -> None:
        self.log.append(Record(value, len(self.log), 1_000_000))

    def take(self, records: int, dies: bool | None = None) -> None:
        """Handle so many messages; `dies`: after the write (True) or before it (False)."""
        batch = self.log[self.handled : self.handled + records]
        if batch:
            self._partition.fold(batch, dies)
        if dies is None:
            self.handled += len(batch)

    def restart(self, limit: int) -> None:
        self._partition.machine = self._machine(limit)
        self._partition.restart()
        self._partition.scan(self.handled, 1_000.0)

    def alerts(self) -> list[Alert]:
        tx = self._partition.transaction()
        states: list[Any] = [tx.get(key) for key in self._partition.table.rows]
        return [state for state in states if isinstance(state, Alert)]


def detected(values: list[bytes | None], start: int, end: int, rules: int) -> tuple[Any, Origin]:
    run = [Record(value, start + i, 1_800_000_000_000) for i, value in enumerate(values[start:end])]
    return DETECTORS[rules].detect("logs", 0, run), origin(run)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(VALUES, max_size=60),
    limit=st.sampled_from([0, 1, 3]),
    data=st.data(),
)
def test_records_in_are_below_counted_or_dead(
    values: list[bytes | None], limit: int, data: st.DataObject
) -> None:
    counters = [Counter(number, limit) for number in range(PARTITIONS)]
    below = anomalies = dead = start = 0
    while start < len(values):
        end = data.draw(st.integers(start + 1, len(values)))
        found, begins = detected(values, start, end, 0)
        below += found.below_threshold
        anomalies += found.anomalies
        dead += len(found.dead_letters)
        for number, bodies in found.by_partition(PARTITIONS).items():
            counters[number].append(signals.encode_signals([begins, *bodies]))
        start = end
    for counter in counters:
        counter.take(data.draw(st.integers(0, len(counter.log))))
        counter.take(len(counter.log))
    counted = sum(alert.count for counter in counters for alert in counter.alerts())
    assert counted == anomalies == sum(counter.counted for counter in counters)
    assert len(values) == below + counted + dead


LINES = st.lists(
    st.sampled_from(
        [
            "a.FooException: no",
            "disk is full",
            "order 17 failed",
            "\tat a.B.c(B.java:5)",
            "\t... 3 more",
            '  File "a", line 1',
        ]
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(texts=LINES, data=st.data())
def test_each_offset_counts_once_whatever_dies_and_whatever_rules_come(
    texts: list[str], data: st.DataObject
) -> None:
    """Detection goes back behind what it sent, cuts its runs elsewhere, has other pattern rules.

    The counter dies before or after a write, and comes back with another limit of patterns.
    """
    counter = Counter(0)
    values: list[bytes | None] = [
        json.dumps({"anomaly_score": 0.99, "message": text, "service": "s"}).encode()
        for text in texts
    ]
    start = rules = 0
    returns = 4
    while start < len(values):
        end = data.draw(st.integers(start + 1, len(values)))
        found, begins = detected(values, start, end, rules)
        counter.append(signals.encode_signals([begins, *found.signals]))
        start = end
        if returns and data.draw(st.booleans()):
            returns -= 1
            start = data.draw(st.integers(0, end))
            rules = data.draw(st.integers(0, len(RULES) - 1))
        unread = len(counter.log) - counter.handled
        if data.draw(st.booleans()):
            counter.take(data.draw(st.integers(1, unread)), data.draw(st.booleans()))
            counter.restart(data.draw(st.sampled_from([0, 1, 2])))
        elif data.draw(st.booleans()):
            counter.take(unread)
    counter.take(len(counter.log))
    alerts = counter.alerts()
    assert sum(alert.count for alert in alerts) == len(values)
    if not counter.counted:
        # All of it was written by those that died.
        counter.append(signals.encode_signals([replace(begins, through=-1)]))
        counter.take(1)
    assert counter.counted == len(values)
    frames = sum(text.startswith(("\t", " ")) for text in texts)
    stray = sum(alert.count for alert in alerts if alert.kind is AlertKind.STRAY)
    assert stray + sum(alert.frames for alert in alerts) == frames
    assert (
        sum(count for alert in alerts for _, count in alert.windows) == len(values) - frames + stray
    )
