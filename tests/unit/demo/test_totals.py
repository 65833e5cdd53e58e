"""Which tickets a run still waits for."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.demo.totals import undelivered

ROUTED: dict[str, Any] = {
    "status": "open",
    "ticketed": True,
    "platforms": ["jira", "slack"],
    "tickets": [{"platform": "jira", "state": "open"}],
}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, 1),
        ({"tickets": []}, 2),
        ({"status": "resolved"}, 2),
        ({"ticketed": False}, 2),
        ({"ticketed": False, "status": "resolved"}, 0),
        ({"ticketed": False, "waitingFor": {"occurrences": 5}}, 0),
        ({"ticketed": False, "sporadic": True}, 0),
        ({"ticketed": False, "collectiveId": "0-0"}, 0),
    ],
)
def test_a_run_waits_for_tickets_that_are_due(changes: dict[str, Any], missing: int) -> None:
    assert undelivered({**ROUTED, **changes}) == missing
