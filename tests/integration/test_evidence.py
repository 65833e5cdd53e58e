"""From lines of requests to the cause of a scope, through real topics and processes."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.fleet import Fleet
from support.microservices import START, Fault, System
from support.waiting import wait_for

from ticketing.domain.events import Verdict
from ticketing.domain.scope import scope_of
from ticketing.wire.events import decode_events
from ticketing.wire.topics import EVENTS

pytestmark = [pytest.mark.kafka]

AGO_SECONDS = 400.0
"""The age of the first line: all of it is older than the time of the look at idle partitions."""


def recording() -> tuple[list[dict[str, Any]], Fault]:
    """The lines of five minutes, the last 90 s of them with a fault."""
    system = System(3)
    operations = [one for one in system.reachable() if one not in system.entries]
    fault = Fault("return", operations[3], START + 200)
    begun = time.time() - AGO_SECONDS
    records = system.run(fault, 290.0)
    return [_moved(record, begun - START) for record in records], fault


def _moved(record: dict[str, Any], seconds: float) -> dict[str, Any]:
    at = datetime.fromisoformat(record["@timestamp"]) + timedelta(seconds=seconds)
    return record | {
        "@timestamp": at.isoformat(),
        "tenant_id": "acme",
        "environment": "prod",
    }


def test_lines_in_two_workers_become_a_verdict_that_names_the_cause(fleet: Fleet) -> None:
    fleet.configure(grouping="cause")
    fleet.create_topics()
    workers = [fleet.worker("a", "pipeline", "traces"), fleet.worker("b", "traces")]
    for worker in workers:
        worker.wait_ready()
    records, fault = recording()
    fleet.feed(json.dumps(record).encode() for record in records)
    scope = scope_of("acme", "prod")

    def told() -> list[Verdict]:
        return [
            body
            for message in fleet.kafka.read(EVENTS)
            if message.key() is None  # A tick has one.
            for body in decode_events(message.value() or b"[]")
            if isinstance(body, Verdict)
        ]

    def named() -> bool:
        found = told()
        return bool(found) and [one.service for one in found[-1].causes[:1]] == [
            fault.operation.service
        ]

    wait_for(named, "a verdict that names the cause", 120.0)
    found = told()
    assert {one.scope for one in found} == {scope}
    assert any(alert.cause == 0 for alert in found[-1].alerts)
