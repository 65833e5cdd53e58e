"""What `ticketing evaluate` says in memory is what the pipeline does on a broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.fleet import Fleet
from support.generated import SINGLE, generated

from ticketing.config.loading import validate
from ticketing.domain.incidents.incident import Incident
from ticketing.evaluation.labels import read_faults
from ticketing.evaluation.run import evaluated, recorded

pytestmark = pytest.mark.kafka

PLATFORMS = ("pagerduty", "jira", "slack")
Alerts = frozenset[tuple[str, str, int]]


def alerts_of(incident: Incident) -> Alerts:
    """Service, fingerprint and count of every alert in an incident."""
    return frozenset((one.service, one.fingerprint, one.count) for one in incident.alerts)


@pytest.mark.parametrize("grouping", ["pattern", "service", "cause"])
def test_a_broker_comes_to_the_same_incidents_and_pages(
    grouping: str, fleet: Fleet, tmp_path: Path
) -> None:
    made = generated(SINGLE, 4, lead=60.0)
    recording, labels = made.write(tmp_path)
    sandbox = fleet.with_sandbox(*PLATFORMS)
    fleet.configure(grouping=grouping)
    fleet.create_topics()
    config = validate(fleet.config)
    _, history = evaluated(recorded(recording, config), read_faults(labels), config)
    expected = [course.incident for course in history.courses.values()]
    assert expected
    fleet.worker("a", "pipeline", "traces", *PLATFORMS).wait_ready()
    fleet.feed(json.dumps(record).encode() for record in made.records)
    found = fleet.wait_counted(sum(one.count for one in expected if not one.merged_into))
    counts = {alert for one in expected for alert in alerts_of(one) if not one.merged_into}
    assert {alert for one in found.values() for alert in alerts_of(one)} == counts
    if grouping == "cause":
        return  # Evidence by event time meets pages by arrival, which a fast feed moves apart.
    assert {alerts_of(one) for one in found.values()} == {alerts_of(one) for one in expected}
    pages = {
        (alerts_of(course.incident), page.platform)
        for course in history.courses.values()
        for page in course.pages
    }

    def told(tickets: list[dict[str, Any]]) -> bool:
        known = fleet.incidents()
        return pages == {
            (alerts_of(known[ticket["correlation"]]), ticket["platform"]) for ticket in tickets
        }

    fleet.wait_tickets(told, f"a ticket for each of {len(pages)} pages")
    assert len(sandbox.tickets()) == len(pages)
