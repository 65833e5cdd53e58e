"""One tenant's people against another tenant: nothing of it is found, heard or changed."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from support.access import ENFORCED, Keys

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_events import begun, event
from ticketing.domain.events import Action
from ticketing.domain.incidents.incident import Listed
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius, Findings

OWN = make_incident(1, tenant="ours")
THEIRS = make_incident(2, tenant="theirs", title="theirs-secret")
STORM = make_incident(
    3,
    tenant="ours",
    lists=[
        Listed(
            id=one.id,
            tenant=one.tenant,
            service="s",
            title=one.title,
            severity=Severity.LOW,
            at=1.0,
        )
        for one in (OWN, THEIRS)
    ],
)
STREAM = "/api/v1/events"
ADMIN_OF_OURS = ("root-of-ours", "admin", ["ours"])


@pytest.fixture
async def ours(start: Any) -> tuple[Any, dict[str, str]]:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    await api.put(OWN, THEIRS)
    return api, keys.key(*ADMIN_OF_OURS)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?tenant_id=theirs",
        "?tenant_id=theirs&tenant_id=ours",
        f"?id={THEIRS.id}",
        f"?alert={THEIRS.fingerprint}",
        "?q=theirs-secret",
        "?service=payments",
        "?status=open&severity=high,low,medium,critical",
        "?limit=1",
    ],
)
async def test_no_list_has_incidents_of_others(ours: Any, query: str) -> None:
    api, key = ours
    async with api.client.get(f"/api/incidents{query}", headers=key) as answer:
        assert answer.status == 200
        text = await answer.text()
    assert THEIRS.id not in text
    assert "theirs-secret" not in text
    if not query:
        assert [one["id"] for one in json.loads(text)] == [OWN.id]


@pytest.mark.parametrize("path", ["", "/alerts"])
async def test_an_incident_of_others_is_unknown(ours: Any, path: str) -> None:
    api, key = ours
    assert (await api.get(f"/api/incidents/{OWN.id}{path}", headers=key))[0] == 200
    status, problem = await api.get(f"/api/incidents/{THEIRS.id}{path}", headers=key)
    never = THEIRS.id[:-4] + "0000"
    _, unknown = await api.get(f"/api/incidents/{never}{path}", headers=key)
    assert status == 404
    assert problem == {**unknown, "detail": unknown["detail"].replace(never, THEIRS.id)}


async def test_a_list_within_an_incident_has_those_of_the_tenants_alone(ours: Any) -> None:
    api, key = ours
    await api.put(STORM)
    _, shown = await api.get(f"/api/incidents/{STORM.id}", headers=key)
    assert [one["id"] for one in shown["lists"]] == [OWN.id]
    assert "theirs-secret" not in json.dumps(shown)


async def test_the_blast_radius_does_not_tell_how_many_others_are_hit(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    key, all_tenants = keys.key(*ADMIN_OF_OURS), keys.key("root", "admin")
    radius = BlastRadius(services=2, tenants=7, requests=10)
    found = Findings(since=1.0, until=2.0, traces=3, blast_radius=radius)
    one = make_incident(4, tenant="ours", correlation=found)
    await api.put(one)
    _, shown = await api.get(f"/api/incidents/{one.id}", headers=key)
    assert shown["trace"]["correlation"]["blastRadius"]["tenants"] is None
    _, shown = await api.get(f"/api/incidents/{one.id}", headers=all_tenants)
    assert shown["trace"]["correlation"]["blastRadius"]["tenants"] == 7


@pytest.mark.parametrize("action", list(Action))
async def test_nothing_is_done_to_incidents_of_others(ours: Any, action: Action) -> None:
    api, key = ours
    body = {
        Action.COMMENT: {"text": "x"},
        Action.NOTE: {"text": "x"},
        Action.ASSIGN: {"to": ["x"]},
        Action.UNLINK: {"from": [OWN.id]},
        Action.SNOOZE: {"until": "2040-01-01"},
        Action.MERGE: {"with": OWN.id[:16] + THEIRS.id[16:]},
        Action.SPLIT: {"alerts": ["0" * 16]},
        Action.MOVE: {"alerts": ["0" * 16], "into": THEIRS.id},
    }.get(action, {})
    status, _ = await api.post(f"/api/incidents/{THEIRS.id}/{action.value}", body, headers=key)
    assert status in (400, 404), "forward: no platform is enabled here"
    batch = {"ids": [THEIRS.id, OWN.id], "action": action.value, **body}
    status, found = await api.post("/api/v1/incidents/batch", batch, headers=key)
    if status == 200:
        assert found["results"][0]["error"]["status"] in (400, 404)
    assert {command.incident_id for command in api.writer.received} <= {OWN.id}
    assert all(command.tenants == ["ours"] for command in api.writer.received)


async def test_numbers_are_those_of_the_tenants(ours: Any) -> None:
    api, key = ours
    _, totals = await api.get("/api/v1/totals", headers=key)
    assert (totals["incidents"], totals["byStatus"]["open"]) == (1, 1)
    assert "records" not in totals


async def test_a_stream_tells_of_the_tenants_alone(ours: Any) -> None:
    api, key = ours
    async with api.client.get("/api/v1/events", headers=key) as answer:
        await begun(answer.content)
        # Another tenant's incidents are of another scope.
        theirs = make_incident(4, tenant="theirs", id=f"{'e' * 16}-{'4' * 16}")
        await api.put(theirs)
        await api.put(make_incident(5, tenant="ours"))
        name, data, id = await asyncio.wait_for(event(answer.content), 30)
        assert name == "incidents"
        assert [one["id"] for one in data["incidents"]] == [make_incident(5).id]
        assert id is None, "it would count the changes of all tenants"
        # Of the removal of another's incident nothing, of an own one all.
        await api.writer.store.write([(theirs.id, None)])
        await api.writer.store.write([(make_incident(5).id, None)])
        removed = (await asyncio.wait_for(event(answer.content), 30)).data["removed"]
        assert removed == [make_incident(5).id]


async def test_one_tenant_leaves_streams_to_the_others(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.api.events.LISTENERS_MAX", 4)
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    ours, theirs = (keys.key(name, tenants=[name]) for name in ("ours", "theirs"))
    async with AsyncExitStack() as opened:
        for key, status in ((ours, 200), (ours, 200), (ours, 503), (theirs, 200)):
            answer = await opened.enter_async_context(api.client.get(STREAM, headers=key))
            assert answer.status == status


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/api/v1/dead-letters",
        "/api/v1/dead-letters/0-1",
        "/api/v1/config",
        "/api/v1/llm-status",
        "/api/v1/tokens",
    ],
)
async def test_answers_about_all_tenants_are_refused(ours: Any, path: str) -> None:
    api, key = ours
    status, problem = await api.get(path, headers=key)
    assert (status, "limited to tenants" in problem["detail"]) == (403, True)
