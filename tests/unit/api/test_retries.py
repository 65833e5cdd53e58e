"""Another try at a ticket over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_dead_letters import Letters
from ticketing.errors import Conflict

ONE = make_incident(1, routes=["pagerduty", "jira"])
PATH = f"/api/incidents/{ONE.id}/retry"


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
async def api(start: Any, letters: Letters) -> Any:
    found = await start(dead_letters=letters)
    await found.put(ONE)
    return found


async def test_a_platform_is_asked_to_try_again(api: Any, letters: Letters) -> None:
    status, found = await api.post(PATH, {"by": "ada", "platform": "pagerduty"})
    assert (status, found["platform"]) == (200, "pagerduty")
    assert found["to"] == "ticketing-pagerduty[0]@1"
    assert letters.retried == [(ONE.id, "pagerduty", "ada")]


async def test_a_platform_without_the_incident_is_refused(api: Any, letters: Letters) -> None:
    status, problem = await api.post(PATH, {"platform": "slack"})
    assert (status, problem["field"]) == (400, "platform")
    assert problem["allowed"] == ["pagerduty", "jira"]
    status, _ = await api.post(PATH.replace(ONE.id, make_incident(2).id), {"platform": "jira"})
    assert status == 404
    assert letters.retried == []


async def test_a_platform_that_is_off_is_a_conflict(api: Any, letters: Letters) -> None:
    letters.failure = Conflict("disabled", "jira is not enabled: set jira.enabled")
    status, problem = await api.post(PATH, {"platform": "jira"})
    assert (status, problem["currentStatus"]) == (409, "disabled")


async def test_only_responders_of_the_tenant_may(start: Any, letters: Letters) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys, dead_letters=letters)
    await api.put(ONE)
    wish = {"platform": "jira"}
    for role, tenants, expected in (
        ("viewer", None, 403),
        ("responder", ["theirs"], 404),
        ("responder", [ONE.tenant], 200),
    ):
        key = keys.key(f"{role}-{expected}", role, tenants)
        assert (await api.post(PATH, wish, headers=key))[0] == expected
    assert [who for *_, who in letters.retried] == ["token:responder-200"]
