"""The door: principals by their tokens, refusals by role, pauses for those who guess."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys, bearer

from tests.unit.api.conftest import make_incident
from ticketing.domain.access.attempts import FREE_FAILURES
from ticketing.domain.access.tokens import new_secret

SHARED = "correct-horse-battery"
WITH_TOKEN = {"web": {"token": SHARED}}
ID = make_incident(1).id


async def test_a_named_token_opens_what_its_role_may(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    await api.put(make_incident(1))
    viewer, responder = keys.key("v"), keys.key("r", "responder")
    assert (await api.get("/api/incidents"))[0] == 401
    assert (await api.get("/api/incidents", headers=viewer))[0] == 200
    status, problem = await api.post(f"/api/incidents/{ID}/resolve", headers=viewer)
    assert (status, problem["role"]) == (403, "responder")
    assert api.writer.received == []
    status, _ = await api.post(f"/api/incidents/{ID}/resolve", headers=responder)
    assert status == 200
    status, found = await api.get("/api/v1/me", headers=responder)
    assert "resolve" in found.pop("actions")
    assert found == {"name": "token:r", "role": "responder", "kind": "token", "tenants": None}


async def test_a_token_ends_when_it_expires_or_is_revoked(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    ends, revoked = keys.key("e", expires_at=keys.now + 10), keys.key("r")
    for key in (ends, revoked):
        assert (await api.get("/api/incidents", headers=key))[0] == 200
    keys.now += 10
    await keys.revoke("r", "test")
    for key in (ends, revoked):
        assert (await api.get("/api/incidents", headers=key))[0] == 401


async def test_the_configurations_token_stays_an_admin_of_all(start: Any) -> None:
    keys = Keys()
    api = await start(WITH_TOKEN, door=keys.door(WITH_TOKEN))
    _, found = await api.get("/api/v1/me", headers=bearer(SHARED))
    assert "delete" in found.pop("actions")
    assert found == {"name": "web.token", "role": "admin", "kind": "shared", "tenants": None}
    assert (await api.get("/api/v1/me", headers=keys.key("v")))[1]["role"] == "viewer"


async def test_nobody_is_asked_on_this_machine_unless_access_is_enforced(start: Any) -> None:
    keys = Keys()
    api = await start({}, door=keys.door({}))
    assert (await api.get("/api/v1/me"))[1]["kind"] == "local"
    # A token of another run, still in a browser's tab.
    assert (await api.get("/api/v1/me", headers=bearer("old")))[1]["kind"] == "local"
    assert (await api.get("/api/v1/me", headers=keys.key("v")))[1]["role"] == "viewer"
    assert (await api.get("/api/v1/me", headers=bearer(new_secret())))[0] == 401


async def test_guesses_are_slowed_down_and_those_who_are_known_go_on(start: Any) -> None:
    keys, now = Keys(), [0.0]
    api = await start(WITH_TOKEN, door=keys.door(WITH_TOKEN, steady=lambda: now[0]))
    known = keys.key("known")
    assert (await api.get("/api/v1/me", headers=known))[0] == 200
    for number in range(FREE_FAILURES):
        status, _ = await api.get("/api/v1/me", headers=bearer(f"guess-{number}"))
        assert status == 401
    for guess in ("guess", SHARED):
        async with api.client.get("/api/v1/me", headers=bearer(guess)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert (await api.get("/api/v1/me", headers=known))[0] == 200
    now[0] = 1.0
    assert (await api.get("/api/v1/me", headers=bearer(SHARED)))[0] == 200
    assert (await api.get("/api/v1/me", headers=bearer("guess")))[0] == 401
    async with api.client.get("/api/v1/me", headers=bearer("guess")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")


async def test_a_missing_token_is_not_a_guess(start: Any) -> None:
    api = await start(WITH_TOKEN)
    for _ in range(FREE_FAILURES * 2):
        assert (await api.get("/api/v1/me"))[0] == 401


@pytest.mark.parametrize("body", [{}, {"by": "ceo@corp.example"}])
async def test_a_step_names_the_authenticated(start: Any, body: dict[str, str]) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    await api.put(make_incident(1))
    await api.post(f"/api/incidents/{ID}/resolve", body, headers=keys.key("bot", "responder"))
    assert [command.by for command in api.writer.received] == ["token:bot"]


async def test_a_deletion_needs_an_admin_in_a_batch_too(start: Any) -> None:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door())
    await api.put(make_incident(1))
    responder = keys.key("r", "responder")
    batch = {"ids": [ID], "action": "delete"}
    assert (await api.post("/api/v1/incidents/batch", batch, headers=responder))[0] == 403
    assert (await api.post(f"/api/incidents/{ID}/delete", {}, headers=responder))[0] == 403
    assert api.writer.received == []
