"""One trace leads from a record to the platform's call, through every topic and a ticket's wait."""

from __future__ import annotations

import json

import pytest
from support.fleet import Fleet
from support.logs import log
from support.otlp import OtlpReceiver, Received
from support.waiting import wait_for

pytestmark = pytest.mark.kafka

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KEY = "a-key-of-the-receiver"
WAY = [
    "process enriched-logs",
    "process ticketing-signals",
    "process ticketing-events",
    "process ticketing-incidents",
    "process ticketing-slack",
    "slack create",
]


def test_a_trace_leads_from_the_record_to_the_platforms_call(fleet: Fleet) -> None:
    with OtlpReceiver() as receiver:
        fleet.with_sandbox("slack")
        fleet.configure(
            routing={"high": ["slack"], "medium": ["slack"]},
            telemetry={"otlp": {"endpoint": receiver.url, "headers": {"x-key": KEY}}},
            log={"format": "json", "level": "debug"},
        )
        fleet.create_topics()
        worker = fleet.worker("a", "pipeline", "slack")
        worker.wait_ready()
        fleet.feed([log("the disk is full", trace_id=TRACE, span_id=SPAN)])

        def way() -> list[Received] | None:
            for span in receiver.spans():
                if span.name == WAY[-1] and len(found := receiver.way_to(span)) == len(WAY):
                    return found
            return None

        found = wait_for(way, lambda: f"the way: {receiver.spans()}\n{fleet.tails()}", 120)
        assert [span.name for span in found] == WAY
        assert len({span.trace for span in found}) == 1
        assert found[0].links == ((TRACE, SPAN),), "the trace that the record names"
        assert [span.resource["ticketing.role"] for span in found] == ["pipeline"] * 4 + [
            "slack"
        ] * 2
        call = found[-1]
        assert not call.failed
        assert call.attributes["ticketing.outcome"] == "delivered"
        assert call.attributes["ticketing.incident.id"] in fleet.incidents()
        assert receiver.headers[0]["x-key"] == KEY
        worker.stop()
    said = worker.log("slack") + worker.log("pipeline")
    assert KEY not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert found[0].trace in {line.get("trace_id") for line in lines}
