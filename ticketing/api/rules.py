"""The rule of each route: the role that it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.domain.access.principal import Role


@dataclass(frozen=True, slots=True)
class Rule:
    """The role that a route needs; None for a route that is open to all.

    `all_tenants` keeps principals of some tenants away from answers about the whole installation.
    """

    role: Role | None
    all_tenants: bool = False


OPEN = Rule(None)
"""Probes, the console's files, signing in, and Slack's requests, which its handler verifies."""
VIEWER = Rule(Role.VIEWER)
RESPONDER = Rule(Role.RESPONDER)
VIEWER_OF_ALL = Rule(Role.VIEWER, all_tenants=True)
RESPONDER_OF_ALL = Rule(Role.RESPONDER, all_tenants=True)
ADMIN = Rule(Role.ADMIN, all_tenants=True)


@dataclass(frozen=True, slots=True)
class Route:
    """A route of an application with its rule; GET answers HEAD too."""

    method: str
    path: str
    handler: Handler
    rule: Rule


API, API_V1 = "/api/", "/api/v1/"
"""The beginnings of a path of the API."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""
FALLBACK: web.AppKey[Rule] = web.AppKey("fallback", Rule)
"""The rule of the reading routes of an application that is not the API's."""
RULES: web.AppKey[dict[web.AbstractRoute, Rule]] = web.AppKey("rules", dict)


def get(path: str, handler: Handler, rule: Rule) -> Route:
    """A route of GET."""
    return Route("GET", path, handler, rule)


def post(path: str, handler: Handler, rule: Rule) -> Route:
    """A route of POST."""
    return Route("POST", path, handler, rule)


def patch(path: str, handler: Handler, rule: Rule) -> Route:
    """A route of PATCH."""
    return Route("PATCH", path, handler, rule)


def delete(path: str, handler: Handler, rule: Rule) -> Route:
    """A route of DELETE."""
    return Route("DELETE", path, handler, rule)


def spellings(path: str) -> list[str]:
    """The ways to write a path of the API: with `/v1` and without; its own first."""
    if not path.startswith(API):
        return [path]
    bare = path.removeprefix(API_V1) if path.startswith(API_V1) else path.removeprefix(API)
    return list(dict.fromkeys((path, API_V1 + bare, API + bare)))


def add_routes(app: web.Application, routes: Iterable[Route], prefixes: Iterable[str]) -> None:
    """Add routes with their rules, under each prefix and in each spelling."""
    rules = app.get(RULES)
    if rules is None:
        rules = app[RULES] = {}
    routes = list(routes)
    for prefix in prefixes:
        for route in routes:
            for method in ("HEAD", "GET") if route.method == "GET" else (route.method,):
                for path in spellings(route.path):
                    made = app.router.add_route(method, prefix + path, route.handler)
                    rules[made] = route.rule


def rule_of(request: web.Request) -> Rule:
    """The rule of a request's route: for any principal where there is no route.

    A route that was added without a rule is for admins. Faust's own are a look at all tenants.
    """
    match = request.match_info
    if match.http_exception is not None:
        return VIEWER
    fallback = request.config_dict.get(FALLBACK, ADMIN)
    if request.method not in SAFE_METHODS:
        fallback = ADMIN
    return request.config_dict.get(RULES, {}).get(match.route, fallback)
