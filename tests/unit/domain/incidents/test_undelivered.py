"""Which platforms an incident did not reach."""

from __future__ import annotations

from typing import Any

import pytest
from support import incidents

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Failure, Incident, Status, Step, StepKind, Ticket
from ticketing.domain.incidents.undelivered import Undelivered, undelivered


def with_ticket(state: TicketState, error: str = "", **fields: Any) -> Incident:
    ticket = Ticket(platform="jira", state=state, error=error, at=1010.0)
    known = {"ticketed": True, "routes": ["jira"], "tickets": {"jira": ticket}}
    return incidents.incident(**{**known, **fields})


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        (TicketState.REJECTED, "no such project", "rejected"),
        (TicketState.PENDING, "not delivered yet: 500", "failing"),
        (TicketState.RESOLVED, "not delivered yet: 500", "failing"),
    ],
)
def test_a_ticket_that_is_refused_or_fails_did_not_get_through(
    state: TicketState, error: str, reason: str
) -> None:
    assert undelivered(with_ticket(state, error)) == [Undelivered("jira", reason, 1010.0)]


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (TicketState.PENDING, ""),
        (TicketState.OPEN, ""),
        # The page went out; only a later update fails.
        (TicketState.OPEN, "not delivered yet: 500"),
        (TicketState.ACKNOWLEDGED, "not delivered yet: 500"),
    ],
)
def test_what_is_held_or_under_way_is_delivered(state: TicketState, error: str) -> None:
    assert undelivered(with_ticket(state, error)) == []


def test_a_platform_that_did_not_take_it_in_time_counts_until_it_does() -> None:
    late = Failure(platform="jira", reason="not_in_time", text="...", at=1020.0)
    waiting = with_ticket(TicketState.PENDING, failures=[late])
    assert undelivered(waiting) == [Undelivered("jira", "not_in_time", 1020.0)]
    assert undelivered(with_ticket(TicketState.OPEN, failures=[late])) == []


def test_a_failure_before_the_reopening_is_over() -> None:
    late = Failure(platform="jira", reason="not_in_time", text="...", at=1020.0)
    reopened = Step(seq=2, at=1030.0, kind=StepKind.REOPENED)
    assert undelivered(with_ticket(TicketState.PENDING, failures=[late], timeline=[reopened])) == []


@pytest.mark.parametrize(
    "over",
    [
        {"status": Status.RESOLVED},
        {"merged_into": incidents.ID},
        {"ticketed": False},
        {"routes": []},
    ],
)
def test_nobody_is_to_be_told_of_an_incident_that_is_over(over: dict[str, Any]) -> None:
    assert undelivered(with_ticket(TicketState.REJECTED, "no", **over)) == []
