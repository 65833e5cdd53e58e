"""Failures that end no process: a broker that takes less, letters redriven below a watermark."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fleet import Fleet
from support.logs import log
from support.waiting import wait_for

from ticketing.dead_letters.reading import Wanted, every
from ticketing.dead_letters.redrive import Redriver
from ticketing.domain.signals import Anomalies
from ticketing.wire.dead_letters import DeadLetter, encode_dead_letter
from ticketing.wire.signals import decode_signals, encode_signals
from ticketing.wire.topics import (
    ALERTS,
    DEAD_LETTERS,
    EVENTS,
    INCIDENTS,
    PIPELINE_APP,
    SIGNALS,
    changelog_topic,
)

pytestmark = pytest.mark.kafka

TAKEN = 14_000
"""Bytes of a message: enough for any one incident here, too few for two."""


def test_a_broker_that_takes_less_than_configured_loses_nothing(fleet: Fleet) -> None:
    fleet.configure(
        storm={"maxPatternsPerService": 0, "maxPagesPerMinute": 0, "maxPagesPerScope": 0}
    )
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    worker.wait_ready()
    tables = (changelog_topic(PIPELINE_APP, name) for name in ("alerts", "incidents"))
    for topic in (SIGNALS, EVENTS, ALERTS, INCIDENTS, *tables, DEAD_LETTERS):
        fleet.kafka.configure(topic, max_message_bytes=TAKEN)
    lines = [log(f"the {n} is lost", service=f"service-{n % 97}") for n in range(1_500)]
    lines[400] = log("x" * 20_000, service="s" * 150, endpoint="/" * 200, trace_id="t" * 100)
    lines[401] = b"not JSON, and long " + b"x" * 20_000
    fleet.feed(lines, compression_type="zstd", linger_ms=1000, batch_size=16_000_000)
    fleet.wait_counted(len(lines) - 1)
    letters = wait_for(fleet.dead_letters, "the dead letter")
    assert [(one.reason, one.size) for one in letters] == [("undecodable", 20_019)]
    assert not worker.roles["pipeline"].exits
    assert "batch_failed" in worker.log("pipeline"), "nothing was too large"
    wait_for(lambda: worker.metrics().get("ticketing_records_total") == len(lines), "the commits")
    assert worker.metrics()["ticketing_records_dead_lettered_total"] == 1


def test_a_redriven_signal_counts_once_below_the_watermark(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    worker.wait_ready()
    fleet.feed([log()] * 10, partition=0)
    fleet.wait_counted(10)
    number, found = next(
        (record.partition(), body)
        for record in fleet.kafka.read(SIGNALS)
        if record.key() != b"tick"
        for body in decode_signals(record.value() or b"[]")
        if isinstance(body, Anomalies)
    )
    runtime = fleet.runtime()
    for windows in ([0, 1, 2], [1, 2, 3]):
        again = replace(found, offsets={min(found.offsets): windows})
        value = encode_signals([again])
        letter = DeadLetter(
            reason="failed",
            stage="alerts",
            topic=SIGNALS,
            partition=number,
            value=value,
            size=len(value),
        )
        fleet.feed([encode_dead_letter(letter)], DEAD_LETTERS)
    with Redriver(runtime) as redriver:
        for entry in every(runtime, Wanted(stage="alerts")):
            redriver.redrive_entry(entry, "anna")
    fleet.wait_counted(14)
    # What is handled after them shows that nothing else was to come.
    fleet.feed([log()], partition=0)
    fleet.wait_counted(15)
    assert not worker.roles["pipeline"].exits
