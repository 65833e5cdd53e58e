"""The audit: changes and refusals are noted, readings are not; admins search it."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys, bearer

from tests.unit.api.conftest import make_incident
from ticketing.access.audit_topic import Page
from ticketing.api.door import Door
from ticketing.domain.access.attempts import FREE_FAILURES
from ticketing.domain.access.audit import Entry, Outcome, Wanted, entry_of
from ticketing.domain.access.principal import SHARED, Role
from ticketing.domain.access.tokens import new_secret

ID = make_incident(1).id


class Audit:
    """The topic in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.asked: list[tuple[Wanted, int, str | None]] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def close(self) -> None:
        pass

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        self.asked.append((wanted, limit, cursor))
        if cursor == "x":
            raise ValueError("is not a cursor of the audit")
        return Page([one for one in reversed(self.entries) if wanted(one)][:limit], "17")


@pytest.fixture
async def kept(start: Any) -> tuple[Any, Keys, Audit]:
    keys, audit = Keys(), Audit()
    door: Door = keys.door()
    door.audit = audit
    api = await start(ENFORCED, door=door, desk=keys, audit=audit)
    await api.put(make_incident(1))
    return api, keys, audit


async def test_what_was_done_is_noted_with_name_role_and_incident(kept: Any) -> None:
    api, keys, audit = kept
    await api.post(f"/api/incidents/{ID}/resolve", headers=keys.key("bot", "responder"))
    [entry] = audit.entries
    assert (entry.who, entry.role, entry.address) == ("token:bot", Role.RESPONDER, "127.0.0.1")
    assert (entry.route, entry.outcome) == ("POST /api/incidents/{id}/resolve", Outcome.DONE)
    assert (entry.subjects, entry.status) == ([ID], 200)


async def test_what_was_refused_is_noted_and_a_reading_is_not(kept: Any) -> None:
    api, keys, audit = kept
    viewer = keys.key("v")
    assert (await api.get("/api/incidents", headers=viewer))[0] == 200
    assert (await api.get("/api/incidents"))[0] == 401
    assert audit.entries == []
    await api.post(f"/api/incidents/{ID}/resolve", headers=viewer)
    await api.get("/api/v1/audit", headers=viewer)
    assert [(one.who, one.outcome, one.route) for one in audit.entries] == [
        ("token:v", Outcome.REFUSED, "POST /api/incidents/{id}/resolve"),
        ("token:v", Outcome.REFUSED, "GET /api/v1/audit"),
    ]


async def test_a_command_that_fails_and_a_batch_are_noted(kept: Any) -> None:
    api, keys, audit = kept
    key = keys.key("r", "responder")
    await api.post(f"/api/incidents/{ID}/reopen", headers=key)
    await api.post("/api/v1/incidents/batch", {"ids": [ID], "action": "resolve"}, headers=key)
    assert [(one.outcome, one.subjects) for one in audit.entries] == [
        (Outcome.FAILED, [ID]),
        (Outcome.DONE, [ID]),
    ]


async def test_a_batch_is_noted_by_what_became_of_each(kept: Any) -> None:
    api, keys, audit = kept
    theirs = make_incident(2, tenant="theirs")
    await api.put(theirs)
    key = keys.key("r", "responder", [make_incident(1).tenant])
    batch = {"ids": [theirs.id, ID, "none"], "action": "resolve"}
    await api.post("/api/v1/incidents/batch", batch, headers=key)
    assert [(one.status, one.outcome, one.subjects) for one in audit.entries] == [
        (404, Outcome.FAILED, [theirs.id, "none"]),
        (200, Outcome.DONE, [ID]),
    ]
    audit.entries.clear()
    merge = {"ids": [theirs.id], "action": "merge", "with": ID}
    await api.post("/api/v1/incidents/batch", merge, headers=key)
    assert [one.subjects for one in audit.entries] == [[ID, theirs.id]]


async def test_guesses_are_noted_until_they_have_to_wait(kept: Any) -> None:
    api, _, audit = kept
    for _ in range(FREE_FAILURES * 3):
        await api.get("/api/incidents", headers=bearer(new_secret()))
    assert len(audit.entries) == FREE_FAILURES
    assert {(one.who, one.outcome) for one in audit.entries} == {("", Outcome.REFUSED)}


async def test_no_secret_is_in_an_entry(kept: Any) -> None:
    api, keys, audit = kept
    admin = keys.key("root", "admin")
    guess = new_secret()
    await api.get("/api/incidents", headers=bearer(guess))
    _, made = await api.post("/api/v1/tokens", {"name": "a", "role": "viewer"}, headers=admin)
    text = repr(audit.entries)
    assert audit.entries[-1].subjects == ["a"]
    for secret in (guess, made["token"], admin["Authorization"][7:]):
        assert secret[10:] not in text


async def test_admins_search_by_name_incident_outcome_and_time(kept: Any) -> None:
    api, keys, audit = kept
    admin = keys.key("root", "admin")
    audit.write(entry_of(SHARED, at=1.0, route="POST /x", status=409, subjects=[ID]))
    query = f"?who=web.token&incident={ID}&outcome=failed&from=1&to=2&limit=7"
    async with api.client.get(f"/api/v1/audit{query}", headers=admin) as answer:
        [found] = await answer.json()
        assert "cursor=17" in answer.headers["Link"]
    assert found == {
        "at": "1970-01-01T00:00:01.000Z",
        "who": "web.token",
        "role": "admin",
        "kind": "shared",
        "address": None,
        "route": "POST /x",
        "outcome": "failed",
        "status": 409,
        "subjects": [ID],
    }
    [(wanted, limit, cursor)] = audit.asked
    assert (wanted.since, wanted.until, limit, cursor) == (1.0, 2.0, 7, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("outcome=maybe", "outcome"),
        ("from=soon", "from"),
        ("limit=0", "limit"),
        ("limit=٣", "limit"),
        ("cursor=x", "cursor"),
        ("whom=a", "whom"),
    ],
)
async def test_a_bad_search_names_its_parameter(kept: Any, query: str, field: str) -> None:
    api, keys, _ = kept
    status, problem = await api.get(f"/api/v1/audit?{query}", headers=keys.key("r", "admin"))
    assert (status, problem["field"]) == (400, field)
