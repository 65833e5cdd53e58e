"""Bad input against the running job: a dead letter or clear handling, and the neighbours count."""

from __future__ import annotations

from collections import Counter

import pytest
from support.fleet import Fleet
from support.logs import log
from support.waiting import wait_for

from ticketing.wire.dead_letters import VALUE_BYTES_MAX
from ticketing.wire.topics import EVENTS, INCIDENTS, SIGNALS

pytestmark = pytest.mark.kafka

TEN_MEGABYTES = 10_000_000
YEAR_2100_MS = 4_102_444_800_000

REFUSED: list[tuple[str, bytes | None]] = [
    ("undecodable", b"\xff\xfe\x00 not UTF-8"),
    ("undecodable", b"plain text"),
    ("undecodable", b'{"anomaly_score": 0.95, "message": "cut in the mid'),
    ("undecodable", b"[1, 2, 3]"),
    ("undecodable", b'"text"'),
    ("undecodable", b"17"),
    ("undecodable", b'{"anomaly_score": NaN, "message": "m", "service": "orders"}'),
    ("undecodable", b"[" * 100_000),
    ("undecodable", b'{"anomaly_score": 0.9, "a": ' + b"[" * 100_000),
    ("invalid_score", log(score=7)),
    ("invalid_score", log(score=-1)),
    ("invalid_score", b'{"anomaly_score": "high", "message": "m", "service": "orders"}'),
    ("invalid_score", b'{"anomaly_score": {"value": 1}, "message": "m", "service": "orders"}'),
    ("empty", None),
    ("empty", b""),
    ("no_message", b'{"anomaly_score": 0.95, "service": "orders"}'),
    ("no_message", b'{"anomaly_score": 0.95, "service": "orders", "message": {}}'),
    ("no_service", b'{"anomaly_score": 0.95, "message": "no service"}'),
    ("no_service", b'{"anomaly_score": 0.95, "message": "odd service", "service": {}}'),
    ("invalid_service", log(service="s" * 2_000_000)),
    ("invalid_tenant", log(tenant_id=["a"])),
    ("invalid_tenant", log(tenant_id="t" * 2_000_000)),
    ("undecodable", b"not JSON, and long " + b"x" * TEN_MEGABYTES),
]

COUNTED: list[bytes] = [
    log("a message without end " + "x" * TEN_MEGABYTES),
    log(at=0.0),
    log(at=4_102_444_800.0),
    log(**{"@timestamp": "yesterday"}),
    log(**{"@timestamp": {"a": [1]}}),
    log(trace_id=5, span_id=[], endpoint={}, host_name=1.5, level=3, environment=None),
    log("\u0000 and \ud83d\ude00 and \u202e"),
    b'{"message": "\xc3\x28", "service": "orders", "anomaly_score": 0.95}',
    b'\xef\xbb\xbf{"message": "m", "service": "orders", "anomaly_score": 0.95}',
    b'{"message": "m", "service": "orders", "anomaly_score": 0.95, "host_name": "caf\xe9-1"}',
    b'{"anomaly_score": 0.95, "service": "orders", "message": {"a": 1}}',
    b'{"anomaly_score": 0.95, "message": "a number for a name", "service": 7}',
    b'{"message": "half \\ud83d", "service": "orders", "anomaly_score": 0.95}',
]


def test_every_bad_record_is_accounted_for_and_harms_no_other(fleet: Fleet) -> None:
    fleet.create_topics(max_message_bytes=20_000_000, message_timestamp_after_max_ms=2**62)
    worker = fleet.worker("a", "pipeline")
    good = log("disk of the database is full", at=1_700_000_000.0)
    fed: list[bytes | None] = [good]
    for _, value in REFUSED:
        fed += [value, good]
    for value in COUNTED:
        fed += [value, good]
    fed.append(log(score=None))
    # All of it stands in the topic before anybody reads: bad and good ones share their batches.
    fleet.feed(fed, partition=0)
    fleet.feed([good], partition=0, timestamp_ms=0, key=b"\xff\x00")
    fleet.feed([good], partition=0, timestamp_ms=YEAR_2100_MS)
    fleet.feed([good], partition=0)
    goods = len(REFUSED) + len(COUNTED) + 4
    worker.wait_ready()
    incidents = fleet.wait_counted(goods + len(COUNTED))
    assert max(incident.count for incident in incidents.values()) >= goods

    letters = {letter.offset: letter for letter in fleet.dead_letters()}
    found = Counter(letter.reason for letter in letters.values())
    assert found == Counter(reason for reason, _ in REFUSED)
    for number, (reason, value) in enumerate(REFUSED):
        letter = letters[1 + 2 * number]
        assert (letter.reason, letter.topic, letter.partition) == (reason, "enriched-logs", 0)
        assert letter.size == len(value or b"")
        assert (letter.value or b"") == (value or b"")[:VALUE_BYTES_MAX]
    assert letters[1 + 2 * (len(REFUSED) - 1)].size > TEN_MEGABYTES

    wait_for(lambda: worker.metrics().get("ticketing_records_total") == len(fed) + 3, "the commits")
    metrics = worker.metrics()
    assert metrics["ticketing_records_below_threshold_total"] == 1
    assert metrics["ticketing_records_dead_lettered_total"] == len(REFUSED)
    wait_for(
        lambda: worker.metrics().get("ticketing_anomalies_counted_total") == goods + len(COUNTED),
        "the metric of what was counted",
    )
    assert not worker.roles["pipeline"].exits


def test_garbage_in_our_own_topics_becomes_dead_letters(fleet: Fleet) -> None:
    fleet.with_sandbox("pagerduty")
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view", "pagerduty")
    worker.wait_ready()
    garbage: list[bytes | None] = [None, b"", b"\xff", b"{", b"[]", b"[{}]", b'[{"command": 7}]']
    for topic in (SIGNALS, EVENTS, INCIDENTS, "ticketing-pagerduty"):
        compacted = topic in (INCIDENTS, "ticketing-pagerduty")
        fleet.feed(garbage, topic, partition=1, key=b"some-key" if compacted else None)
    fleet.feed([log(level="FATAL")] * 10)
    fleet.wait_counted(10)
    fleet.wait_tickets(lambda tickets: len(tickets) == 1, "the ticket")
    stages = wait_for(
        lambda: (
            {"alerts", "incidents", "sinks", "pagerduty-adapter"}
            <= (stages := {letter.stage for letter in fleet.dead_letters()})
            and stages
        ),
        "dead letters of all four",
    )
    assert stages == {"alerts", "incidents", "sinks", "pagerduty-adapter"}
    assert not any(process.exits for process in worker.roles.values())


@pytest.mark.parametrize("services", [1, 40])
def test_a_storm_of_distinct_messages_in_one_fetch_fits_into_kafka(
    fleet: Fleet, services: int
) -> None:
    """A compressed fetch of thousands of distinct anomalies makes more signals than one message."""
    fleet.configure(
        storm={"maxPatternsPerService": 0, "maxPagesPerMinute": 0, "maxPagesPerScope": 0}
    )
    fleet.create_topics()
    words = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "pqrstvwz"]
    lines = [
        log(
            f"the {words[n % 320]} of {words[n // 320]} is lost, " + "and nobody knows why, " * 60,
            service=f"service-{n % services}",
        )
        for n in range(3_000)
    ]
    fleet.feed(lines, partition=0, compression_type="zstd", linger_ms=1000, batch_size=16_000_000)
    worker = fleet.worker("a", "pipeline")
    fleet.wait_counted(3_000)
    assert not worker.roles["pipeline"].exits
