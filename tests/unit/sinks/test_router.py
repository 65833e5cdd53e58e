"""The platforms that an incident goes to."""

from __future__ import annotations

from support.incidents import incident, ticketed

from sinks.router import platforms_for


def test_only_enabled_platforms_are_routed_to_each_once_in_order() -> None:
    found = ticketed(routes=["slack", "gone", "pagerduty", "slack", "gone"])
    assert platforms_for(found, {"pagerduty", "slack"}) == (["slack", "pagerduty"], ["gone"])
    assert platforms_for(found, ()) == ([], ["slack", "gone", "pagerduty"])


def test_nothing_is_routed_before_the_ticket_is_due() -> None:
    assert platforms_for(incident(routes=["slack", "gone"]), {"slack"}) == ([], [])
