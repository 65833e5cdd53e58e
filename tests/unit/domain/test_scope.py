"""Incidents' ids: their scope can be read off, and no two installations share one."""

from __future__ import annotations

from ticketing.domain.scope import incident_id, scope_of

SCOPE = scope_of("acme", "production")


def test_two_installations_on_one_account_have_different_ids() -> None:
    """Kafka gives each topic of each cluster an id of its own; tickets are found by ours."""
    blue, green = (incident_id(SCOPE, topic, 2, 41, "0123456789abcdef") for topic in ("a", "b"))
    assert blue != green
    assert blue.startswith(f"{SCOPE}-")
    assert green.startswith(f"{SCOPE}-")


def test_the_same_event_gives_the_same_id_again() -> None:
    assert incident_id(SCOPE, "a", 2, 41, "f") == incident_id(SCOPE, "a", 2, 41, "f")
    assert incident_id(SCOPE, "a", 2, 41, "f") != incident_id(SCOPE, "a", 2, 42, "f")
