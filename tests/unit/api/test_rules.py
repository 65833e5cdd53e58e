"""Every route of every listener has a rule, and keeps to it; what has none is for admins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from support.access import ENFORCED, Keys

from tests.unit.engine.test_table_pages import app_for
from ticketing.api import listener
from ticketing.api.app import create_app, routes
from ticketing.api.described import operation_of
from ticketing.api.door import Door
from ticketing.api.rules import ADMIN, OPEN, RULES, VIEWER, Route, Rule, rule_of, spellings
from ticketing.api.services import WorkerStatus
from ticketing.config import Config
from ticketing.domain.access.principal import Role

ROLES = list(Role)
NOTHING: Any = None
OPEN_PATHS = {
    "/",
    "/console/{name}",
    "/docs",
    "/health",
    "/ready",
    "/api/v1/openapi.json",
    "/api/v1/slack/interactions",
    "/api/v1/session",
    "/api/v1/session/begin",
    "/api/v1/session/callback",
    "/api/v1/session/end",
}
"""Open to everybody: to be lengthened with a reason only."""


def api() -> web.Application:
    return create_app(Config(), NOTHING, NOTHING, NOTHING)


def of_worker() -> web.Application:
    config = Config()
    return listener.create_app(WorkerStatus(config, list), Door(config))


@pytest.mark.parametrize("app", [api(), of_worker()], ids=["api", "worker"])
def test_every_route_has_a_rule(app: web.Application) -> None:
    assert {str(route) for route in app.router.routes() if route not in app[RULES]} == set()


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_a_route_is_reached_with_and_without_v1_and_under_the_prefix(route: Route) -> None:
    app, path = api(), re.sub(r"{\w+}", "x", route.path)
    beginnings = ("/api/v1/", "/api/") if path.startswith("/api/") else ("",)
    bare = re.sub(r"^/api/(v1/)?", "", path)
    for prefix in ("", "/api/ticketing"):
        for beginning in beginnings:
            request = resolved(app, route.method, prefix + beginning + bare)
            assert operation_of(request.match_info.handler) == operation_of(route.handler)
            assert rule_of(request) == route.rule


def test_open_routes_are_few() -> None:
    assert {route.path for route in routes() if route.rule == OPEN} == OPEN_PATHS
    spelled = {path for own in OPEN_PATHS for path in spellings(own)}
    found = {
        route.resource.canonical.removeprefix("/api/ticketing") or "/"
        for route, rule in api()[RULES].items()
        if rule == OPEN and route.resource is not None
    }
    assert found == spelled


def declared() -> list[tuple[str, str, Rule]]:
    return [
        (route.method, path, route.rule)
        for route in routes()
        for path in spellings(route.path)
        if route.rule.role is not None
    ]


@pytest.mark.parametrize(("method", "path", "rule"), declared())
async def test_lesser_roles_and_strangers_stay_outside(
    start: Any, method: str, path: str, rule: Rule
) -> None:
    keys = Keys()
    running = await start(ENFORCED, door=keys.door())
    path = re.sub(r"{\w+}", "x", path.replace("{id}", "0" * 16 + "-" + "0" * 16))
    assert rule.role is not None
    async with running.client.request(method, path) as answer:
        assert answer.status == 401
    for role in ROLES:
        for tenants in (None, ["a"]):
            key = keys.key(f"{role.value}-{len(keys.tokens.by_id)}", role.value, tenants)
            may = role.includes(rule.role) and not (rule.all_tenants and tenants)
            async with running.client.request(method, path, headers=key) as answer:
                assert (answer.status != 403) is may, (role, tenants)
                assert answer.status != 401


def test_a_route_without_a_rule_is_for_admins() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/forgotten", handler)
    app.router.add_post("/forgotten", handler)
    for method in ("GET", "POST"):
        assert rule_of(resolved(app, method, "/forgotten")) == ADMIN
    assert rule_of(resolved(app, "GET", "/nothing")) == VIEWER


def resolved(app: web.Application, method: str, path: str) -> web.Request:
    request = make_mocked_request(method, path, app=app)
    coroutine = app.router.resolve(request)
    try:
        coroutine.send(None)
    except StopIteration as ended:
        request._match_info = ended.value
    request._match_info.add_app(app)
    return request


@pytest.mark.parametrize(
    ("role", "tenants", "status"),
    [("viewer", None, 200), ("viewer", ["a"], 403), ("admin", ["a"], 403)],
)
async def test_fausts_pages_are_for_principals_of_all_tenants(
    tmp_path: Path, role: str, tenants: list[str] | None, status: int
) -> None:
    keys = Keys()
    app = app_for(tmp_path, door=keys.door())
    client: Any = TestClient(TestServer(app.web.web_app))
    await client.start_server()
    try:
        for path in ("/", "/table/", "/table/incidents/"):
            async with client.get(path) as answer:
                assert answer.status == 401
            async with client.get(
                path, headers=keys.key(f"k{path.count('/')}{len(path)}", role, tenants)
            ) as answer:
                assert answer.status == status
    finally:
        await client.close()
