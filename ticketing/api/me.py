"""The sender of a request over HTTP: name, role, tenants, and the actions that the role allows."""

from __future__ import annotations

from aiohttp import web

from ticketing.api.commands import ROLES
from ticketing.api.described import described, ok
from ticketing.api.door import principal_of
from ticketing.api.shapes import or_null, record, shape

ME = record(
    {
        "name": "text",
        "role": "text",
        "kind": "text",
        "tenants": or_null(shape("list of text")),
        "actions": "list of text",
    },
    title="Sender",
)


@described(ok("the sender", ME))
async def me(request: web.Request) -> web.Response:
    """GET /api/v1/me: the sender and the actions that its role allows; `tenants` is null for all."""
    who = principal_of(request)
    return web.json_response(
        {
            "name": who.name,
            "role": who.role.nearest.value,
            "kind": who.kind.value,
            "tenants": None if who.tenants is None else list(who.tenants),
            "actions": [action.value for action, role in ROLES.items() if who.may(role)],
        }
    )
