"""The contract with LogClaw's clients: every call, under every spelling of its address.

And what holds for all routes alike: problems, and a view that is being built.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.incidents import SCOPE

from tests.unit.api.conftest import make_incident
from ticketing.api.app import routes
from ticketing.api.rules import SAFE_METHODS, spellings

NOBODY = f"{SCOPE}-{'f' * 16}"
PREFIXES = ("", "/api/ticketing")
AT = "2030-03-17T17:47:40.000Z"
"""When the unit tests' writer applies commands."""
LISTED = {
    *("id", "severity", "status", "service", "title", "anomalyScore", "affectedServices"),
    *("traceId", "createdAt", "updatedAt", "platforms"),
}
PARTS = {"timeline", "tickets", "trace", "counts", "evidence"}
READ = [
    *("/api/incidents", "/api/v1/alerts", "/api/stats", "/api/v1/metrics/mttr", "/api/v1/totals"),
    *(f"/api/incidents/{NOBODY}{part}" for part in ("", "/alerts", "/similar", "/timeline")),
    *(f"/api/incidents/{NOBODY}/commands/k-1", f"/api/v1/incidents/{NOBODY}/postmortem"),
]
"""What is read from the view, each of an incident that may be in it once it is built."""
NOT_OF_THE_VIEW = {
    *("/", "/console/{name}", "/docs", "/docs/{name}", "/health", "/ready", "/metrics"),
    *("/api/v1/openapi.json", "/api/v1/me", "/api/v1/tokens", "/api/v1/audit", "/api/v1/events"),
    *("/api/v1/session", "/api/v1/session/begin", "/api/v1/session/callback"),
    *("/api/v1/config", "/api/v1/config/changes", "/api/v1/dead-letters"),
    *("/api/v1/dead-letters/{id}", "/api/v1/platforms", "/api/v1/llm-status", "/api/v1/health"),
}
"""What is read elsewhere, or says itself that there is no view."""


def spelt(path: str) -> list[str]:
    """All addresses of a path."""
    return [prefix + one for prefix in PREFIXES for one in spellings(path)]


@pytest.mark.parametrize("path", spelt("/api/incidents"))
async def test_the_list_has_the_contracts_fields_newest_first_and_a_next_page(
    api: Any, path: str
) -> None:
    await api.put(*(make_incident(number) for number in range(1, 53)))
    async with api.client.get(path) as answer:
        found = await answer.json()
        following = answer.links["next"]["url"].relative()
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert [one["id"] for one in found] == [make_incident(n).id for n in range(52, 2, -1)]
    assert found[0].keys() >= LISTED
    assert following.path == path
    assert [one["id"] for one in (await api.get(following))[1]] == [
        make_incident(n).id for n in (2, 1)
    ]


@pytest.mark.parametrize("path", spelt("/api/incidents/{id}"))
async def test_one_incident_has_all_its_parts(api: Any, path: str) -> None:
    await api.put(make_incident(1))
    status, found = await api.get(path.format(id=make_incident(1).id))
    assert status == 200
    assert found.keys() >= LISTED | PARTS


@pytest.mark.parametrize("path", spelt("/api/incidents/{id}"))
async def test_commands_answer_as_the_contract_says(api: Any, path: str) -> None:
    await api.put(make_incident(1))
    id = make_incident(1).id
    one = path.format(id=id)
    for action, expected in {
        "acknowledge": {"status": "acknowledged", "acknowledgedAt": AT},
        "escalate": {"status": "escalated", "escalatedAt": AT, "escalatedTo": ["payments-team"]},
        "resolve": {"status": "resolved", "resolvedAt": AT, "stillFiring": True},
    }.items():
        assert await api.post(f"{one}/{action}") == (200, {"id": id, **expected})
    async with api.client.post(f"{one}/acknowledge") as answer:
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["currentStatus"]) == (409, "resolved")


@pytest.mark.parametrize("path", spelt("/api/v1/incidents/batch"))
async def test_a_batch_has_a_result_per_id(api: Any, path: str) -> None:
    await api.put(make_incident(1))
    ids = [make_incident(1).id, NOBODY]
    status, found = await api.post(path, {"ids": ids, "action": "acknowledge"})
    assert status == 200
    assert [(one["id"], one["ok"]) for one in found["results"]] == [(ids[0], True), (NOBODY, False)]


@pytest.mark.parametrize("path", spelt("/api/v1/config"))
async def test_settings_show_no_secret(start: Any, path: str) -> None:
    api = await start({"zammad": {"enabled": True, "baseUrl": "http://z.test", "token": "planted"}})
    status, found = await api.get(path)
    assert (status, found["zammad"]["token"]) == (200, "****")


@pytest.mark.parametrize("path", spelt("/health") + spelt("/ready"))
async def test_probes_are_answered(api: Any, path: str) -> None:
    assert (await api.get(path))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/incidents/{NOBODY}", 404),
        ("POST", f"/api/incidents/{NOBODY}/acknowledge", 404),
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/incidents", 405),
        ("GET", "/api/incidents?limit=0", 400),
        ("GET", "/api/incidents?q=%ED%A0%80", 200),
        ("GET", "/api/incidents?service=%ED%A0%80%00", 200),
        ("GET", "/api/incidents/%ED%A0%80", 404),
        ("GET", "/api/stats?service=%ED%A0%80", 200),
        ("GET", "/api/incidents?id=", 200),
        ("PATCH", "/api/v1/config/web", 404),
    ],
)
async def test_every_error_is_a_problem(api: Any, method: str, path: str, status: int) -> None:
    async with api.client.request(method, path) as answer:
        assert answer.status == status, await answer.text()
        if status >= 400:
            assert answer.content_type == "application/problem+json"
            assert (await answer.json(content_type=None))["status"] == status


@pytest.mark.parametrize("path", READ)
async def test_a_view_that_is_being_built_is_never_told_as_empty(api: Any, path: str) -> None:
    await api.writer.store.redis.flushall()
    for one in spelt(path):
        async with api.client.get(one) as answer:
            problem = await answer.json(content_type="application/problem+json")
            assert (answer.status, problem.get("rebuilding")) == (503, True), one
            assert int(answer.headers["Retry-After"]) > 0


def test_every_reading_route_is_known_here_to_need_the_view_or_not() -> None:
    known = {path.replace(NOBODY, "{id}").replace("k-1", "{command}") for path in READ}
    found = {one.path for one in routes() if one.method in SAFE_METHODS}
    assert found - NOT_OF_THE_VIEW == known


async def test_a_view_that_is_being_built_knows_of_no_unknown_incident(api: Any) -> None:
    await api.writer.store.redis.flushall()
    for path, body in [
        (f"/api/incidents/{NOBODY}/acknowledge", {}),
        (f"/api/incidents/{NOBODY}/retry", {"platform": "jira"}),
        ("/api/v1/incidents/batch", {"ids": [NOBODY], "action": "acknowledge"}),
    ]:
        status, problem = await api.post(path, body)
        assert (status, problem.get("rebuilding")) == (503, True), path
    assert api.writer.received == []


async def test_two_processes_apply_a_key_once(start: Any) -> None:
    one, other = await start(), await start()
    await one.put(make_incident(1))
    other.writer.store.redis.connection_pool = one.writer.store.redis.connection_pool
    other.writer.incidents = one.writer.incidents
    path, headers = f"/api/incidents/{make_incident(1).id}/note", {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(
        *(api.post(path, {"text": "seen"}, headers=headers) for api in (one, other, one, other))
    )
    assert [status for status, _ in answers] == [200] * 4
    assert all(answer == answers[0] for answer in answers)
    _, found = await other.get(f"/api/incidents/{make_incident(1).id}")
    assert [step["text"] for step in found["timeline"] if step["kind"] == "note"] == ["seen"]
