"""A platform that is enabled later gets what is open and belongs there, once."""

from __future__ import annotations

from typing import Any

import pytest
from support.incidents import resolved, ticketed

from sinks.backfill import without_ticket
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Ticket
from ticketing.domain.severity import Severity

HELD = Ticket(platform="jira", state=TicketState.OPEN, external_id="10001", key="OPS-1")
PENDING = Ticket(platform="jira", state=TicketState.PENDING)
ROUTED = [Severity.HIGH, Severity.CRITICAL]


def chosen(incident: Incident) -> bool:
    return list(without_ticket([incident], "jira", ROUTED)) == [incident]


@pytest.mark.parametrize(
    ("changes", "forwarded"),
    [
        ({}, True),
        ({"severity": Severity.LOW}, False),
        ({"severity": Severity.LOW, "routes": ["jira"]}, True),
        ({"tickets": {"jira": HELD}}, False),
        ({"tickets": {"jira": PENDING}}, True),
        ({"ticketed": False}, False),
    ],
)
def test_open_incidents_that_belong_there_and_have_no_ticket(
    changes: dict[str, Any], forwarded: bool
) -> None:
    assert chosen(ticketed(**changes)) is forwarded


def test_what_is_resolved_gets_no_ticket() -> None:
    assert not chosen(resolved(ticketed(), 2000.0))
