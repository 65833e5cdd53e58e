"""Tokens over HTTP: for admins of all tenants; a secret is shown once."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys, bearer

from ticketing.domain.access.tokens import is_well_formed


@pytest.fixture
async def desk(start: Any) -> tuple[Any, Keys, dict[str, str]]:
    keys = Keys()
    api = await start(ENFORCED, door=keys.door(), desk=keys)
    return api, keys, keys.key("root", "admin")


async def test_a_token_is_made_used_rotated_and_revoked(desk: Any) -> None:
    api, _, admin = desk
    wish = {"name": "grafana", "role": "viewer", "tenants": ["a"]}
    status, made = await api.post("/api/v1/tokens", wish, headers=admin)
    assert status == 201
    assert is_well_formed(made["token"])
    assert (made["madeBy"], made["standing"]) == ("token:root", "active")
    _, me = await api.get("/api/v1/me", headers=bearer(made["token"]))
    assert (me["name"], me["role"], me["tenants"]) == ("token:grafana", "viewer", ["a"])

    status, rotated = await api.post("/api/v1/tokens/grafana/rotate", headers=admin)
    assert (status, rotated["tenants"]) == (201, ["a"])
    assert (await api.get("/api/v1/me", headers=bearer(made["token"])))[0] == 401
    assert (await api.get("/api/v1/me", headers=bearer(rotated["token"])))[0] == 200

    async with api.client.delete("/api/v1/tokens/grafana", headers=admin) as answer:
        assert (await answer.json())["standing"] == "revoked"
    assert (await api.get("/api/v1/me", headers=bearer(rotated["token"])))[0] == 401
    async with api.client.delete("/api/v1/tokens/grafana", headers=admin) as answer:
        assert answer.status == 404


async def test_the_list_shows_no_secret(desk: Any) -> None:
    api, _, admin = desk
    _, made = await api.post("/api/v1/tokens", {"name": "a", "role": "admin"}, headers=admin)
    async with api.client.get("/api/v1/tokens", headers=admin) as answer:
        text = await answer.text()
    assert made["token"][:10] in text
    assert made["token"][10:] not in text
    assert "digest" not in text


async def test_a_name_that_is_taken_is_a_conflict(desk: Any) -> None:
    api, _, admin = desk
    status, problem = await api.post(
        "/api/v1/tokens", {"name": "root", "role": "viewer"}, headers=admin
    )
    assert (status, problem["currentStatus"]) == (409, "active")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"role": "viewer"}, "name"),
        ({"name": "Ann", "role": "viewer"}, "name"),
        ({"name": "a"}, "role"),
        ({"name": "a", "role": "root"}, "role"),
        ({"name": "a", "role": "viewer", "tenants": "a"}, "tenants"),
        ({"name": "a", "role": "viewer", "expiresAt": "soon"}, "expiresAt"),
        ({"name": "a", "role": "viewer", "expiresAt": "2001-01-01"}, "expiresAt"),
        ({"name": "a", "role": "viewer", "scope": "all"}, "scope"),
    ],
)
async def test_a_bad_wish_names_its_field(desk: Any, wish: dict[str, Any], field: str) -> None:
    api, keys, admin = desk
    status, problem = await api.post("/api/v1/tokens", wish, headers=admin)
    assert (status, problem["field"]) == (400, field)
    assert len(keys.tokens.by_id) == 1


async def test_a_process_without_kafka_says_so(start: Any) -> None:
    api = await start()
    assert (await api.get("/api/v1/tokens"))[0] == 501
