"""One fault is one incident with one ticket per platform; it comes back, and is new after a while."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from support.fleet import Fleet
from support.logs import log
from support.waiting import wait_for

from ticketing.domain.incidents.incident import Incident, Kind, Status

pytestmark = pytest.mark.kafka


def test_two_hours_of_one_fault_are_one_incident(
    fleet: Fleet,
) -> None:
    fleet.with_sandbox("pagerduty", "jira", "slack")
    fleet.create_topics()
    roles = ("pipeline", "pagerduty", "jira", "slack")
    fleet.worker("a", *roles).wait_ready()
    start = 1_700_000_000.0
    for part in range(12):
        minutes = range(part * 10, part * 10 + 10)
        fleet.feed([log(level="FATAL", at=start + 60 * minute) for minute in minutes])
        fleet.wait_counted(10 * (part + 1))
    (incident,) = fleet.incidents().values()
    assert incident.count == 120
    assert incident.last_seen - incident.first_seen == 119 * 60
    assert len(incident.windows) == 9, "two hours in windows of fifteen minutes, not aligned"
    tickets = fleet.wait_tickets(lambda found: len(found) == 3, "a ticket each")
    assert Counter(ticket["platform"] for ticket in tickets) == Counter(
        ["pagerduty", "jira", "slack"]
    )
    assert {ticket["correlation"] for ticket in tickets} == {incident.id}


def test_a_fault_that_comes_back_reopens_and_later_is_a_new_episode(fleet: Fleet) -> None:
    fleet.with_sandbox("pagerduty")
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view", "pagerduty", reopenWindow="1h")
    worker.wait_ready()

    def only(status: Status) -> Incident | None:
        found = [one for one in fleet.incidents().values() if one.status is status]
        return found[-1] if found else None

    def ticketed(state: str, count: int) -> bool:
        assert fleet.sandbox is not None
        return Counter(one["state"] for one in fleet.sandbox.tickets())[state] == count

    def resolve(incident: Incident) -> None:
        status, body = worker.post(f"/api/incidents/{incident.id}/resolve")
        assert status == 200, body

    fleet.feed([log(level="FATAL")] * 10)
    (first,) = fleet.wait_counted(10).values()
    wait_for(lambda: ticketed("open", 1), "the ticket")
    wait_for(lambda: len(worker.incidents()) == 1, "the incident in the API")
    resolve(first)
    wait_for(lambda: ticketed("resolved", 1), "the resolved ticket")
    fleet.feed([log(level="FATAL")] * 5)
    (again,) = fleet.wait_counted(15).values()
    assert again.id == first.id
    assert again.status is Status.OPEN
    wait_for(lambda: ticketed("open", 1), "the reopened ticket, or a new one of the same key")

    worker.stop()
    worker = fleet.worker("b", "pipeline", "view", "pagerduty", reopenWindow="1s")
    worker.wait_ready()
    wait_for(lambda: len(worker.incidents()) == 1, "the incident in the new API")
    resolve(again)
    wait_for(lambda: only(Status.RESOLVED), "the resolution")
    resolved = only(Status.RESOLVED)
    assert resolved is not None
    wait_for(lambda: time.time() > (resolved.resolved_at or 0) + 2, "the end of the window")
    fleet.feed([log(level="FATAL")] * 3)
    both = fleet.wait_counted(18)
    new = next(one for id, one in both.items() if id != first.id)
    assert (new.count, new.previous, new.fingerprint) == (3, first.id, first.fingerprint)
    tickets = fleet.wait_tickets(
        lambda found: new.id in {ticket["correlation"] for ticket in found}, "the new ticket"
    )
    assert {ticket["correlation"] for ticket in tickets} == {first.id, new.id}


def test_a_thousand_distinct_messages_of_a_service_are_one_overflow_incident(fleet: Fleet) -> None:
    fleet.with_sandbox("pagerduty")
    fleet.create_topics()
    fleet.worker("a", "pipeline", "pagerduty").wait_ready()
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    names = [f"{first}{second}" for first in syllables for second in syllables][:1000]
    for start in range(0, 1000, 100):
        fleet.feed(
            [log(f"cannot find {name}", level="FATAL") for name in names[start : start + 100]]
        )
    incidents = fleet.wait_counted(1000).values()
    kinds = Counter(incident.kind for incident in incidents)
    assert kinds[Kind.OVERFLOW] == 1
    assert kinds[Kind.FAULT] <= 20
    (overflow,) = (one for one in incidents if one.kind is Kind.OVERFLOW)
    assert overflow.count == 1000 - sum(one.count for one in incidents if one.kind is Kind.FAULT)
    wanted = {one.id for one in incidents if not one.collective_id}
    tickets = fleet.wait_tickets(lambda found: len(found) >= len(wanted), "the tickets")
    assert {ticket["correlation"] for ticket in tickets} == wanted
    assert len(tickets) <= 22
