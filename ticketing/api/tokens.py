"""The named tokens over HTTP, for admins: list, make, rotate, revoke."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

from aiohttp import web

from ticketing.access.token_topic import TokenTopic
from ticketing.api.described import Answer, described, ok, refused
from ticketing.api.door import SUBJECTS, principal_of
from ticketing.api.parameters import Body, json_object, member_of, parsed_time
from ticketing.api.problems import Invalid, Problem
from ticketing.api.rules import ADMIN, Route, delete, get, post
from ticketing.api.shapes import Schema, choice, listing, or_null, record, request_body, shape
from ticketing.domain.access.principal import Role
from ticketing.domain.access.tokens import NAME, NAME_EXPECTED, TENANTS_MAX, Token
from ticketing.kafka.runtime import Runtime
from ticketing.view.times import iso

NAME_CHARS_MAX = 64
"""As `domain.access.tokens.NAME` has it."""


class TokenDesk(Protocol):
    """Makes and ends tokens; raises Conflict, NotFound, Unavailable."""

    async def all(self) -> list[Token]:
        """Every token, the earliest first."""

    async def make(
        self, name: str, role: Role, tenants: list[str] | None, *, expires_at: float, by: str
    ) -> tuple[Token, str]:
        """A new token and its secret."""

    async def rotate(self, name: str, by: str) -> tuple[Token, str]:
        """A new token in the place of another, and its secret."""

    async def revoke(self, name: str, by: str) -> Token:
        """The token, ended."""


class KafkaTokenDesk:
    """The tokens in Kafka. Requests take turns, since each reads a topic."""

    def __init__(self, runtime: Runtime) -> None:
        self._topic = TokenTopic(runtime)
        self._turn = asyncio.Lock()

    async def all(self) -> list[Token]:
        """Every token, the earliest first."""
        async with self._turn:
            found = await asyncio.to_thread(self._topic.read)
            return list(found.by_id.values())

    async def make(
        self, name: str, role: Role, tenants: list[str] | None, *, expires_at: float, by: str
    ) -> tuple[Token, str]:
        """A new token and its secret."""
        async with self._turn:
            return await asyncio.to_thread(
                self._topic.make, name, role, tenants, expires_at=expires_at, by=by
            )

    async def rotate(self, name: str, by: str) -> tuple[Token, str]:
        """A new token in the place of another, and its secret."""
        async with self._turn:
            return await asyncio.to_thread(self._topic.rotate, name, by)

    async def revoke(self, name: str, by: str) -> Token:
        """The token, ended."""
        async with self._turn:
            return await asyncio.to_thread(self._topic.revoke, name, by)

    async def close(self) -> None:
        """Disconnect."""
        async with self._turn:
            await asyncio.to_thread(self._topic.close)


DESK: web.AppKey[TokenDesk] = web.AppKey("desk", TokenDesk)


_TOKEN_FIELDS: dict[str, str | Schema] = {
    "name": "text",
    "role": "text",
    "tenants": or_null(shape("list of text")),
    "begins": "text",
    "standing": choice(["active", "expired", "revoked"]),
    "madeAt": "time",
    "madeBy": "text",
    "expiresAt": "time or null",
    "revokedAt": "time or null",
    "revokedBy": "text or null",
}
TOKEN = record(_TOKEN_FIELDS, title="Token")
MADE = (
    201,
    Answer(
        "the token and, this once, its secret",
        record({**_TOKEN_FIELDS, "token": "text"}, title="Made token"),
    ),
)
_BODY = request_body(
    {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "role": choice([role.value for role in Role]),
        "tenants": {**listing(shape("text")), "maxItems": TENANTS_MAX},
        "expiresAt": {"type": "string", "description": "a time; never, if empty"},
    },
    optional=("tenants", "expiresAt"),
)
_NO_BODY = record({})


def token_routes() -> list[Route]:
    """The routes of tokens."""
    one = "/api/v1/tokens/{name}"
    return [
        get("/api/v1/tokens", list_tokens, ADMIN),
        post("/api/v1/tokens", make_token, ADMIN),
        post(f"{one}/rotate", rotate_token, ADMIN),
        delete(one, revoke_token, ADMIN),
    ]


@described(ok("the tokens", listing(TOKEN)))
async def list_tokens(request: web.Request) -> web.Response:
    """GET /api/v1/tokens: every token, the latest first, without their secrets."""
    found = await _desk(request).all()
    return web.json_response([document(token) for token in reversed(found)])


@described(MADE, refused(409, "an active token has the name"), body=_BODY)
async def make_token(request: web.Request) -> web.Response:
    """POST /api/v1/tokens: make a token; 201 with the secret, shown once."""
    body = Body(await json_object(request))
    name = body.text("name", required=True, chars_max=NAME_CHARS_MAX)
    request[SUBJECTS] = [name]
    role = member_of(Role, "role", body.text("role", required=True))
    tenants = body.texts("tenants", count_max=TENANTS_MAX)
    until = body.text("expiresAt")
    body.done()
    if not NAME.fullmatch(name):
        raise Invalid("name", NAME_EXPECTED)
    expires_at = parsed_time("expiresAt", until) if until else 0.0
    if until and expires_at <= time.time():
        raise Invalid("expiresAt", "must be in the future")
    made, secret = await _desk(request).make(
        name, role, tenants or None, expires_at=expires_at, by=principal_of(request).name
    )
    return web.json_response({**document(made), "token": secret}, status=201)


@described(MADE, body=_NO_BODY)
async def rotate_token(request: web.Request) -> web.Response:
    """POST /api/v1/tokens/:name/rotate: a new secret, 201; the one before ends."""
    Body(await json_object(request)).done()
    by = principal_of(request).name
    made, secret = await _desk(request).rotate(request.match_info["name"], by)
    return web.json_response({**document(made), "token": secret}, status=201)


@described(ok("the token", TOKEN))
async def revoke_token(request: web.Request) -> web.Response:
    """DELETE /api/v1/tokens/:name: the token ends."""
    by = principal_of(request).name
    return web.json_response(document(await _desk(request).revoke(request.match_info["name"], by)))


def document(token: Token) -> dict[str, Any]:
    """A token as the API shows it: nothing of the secret but its beginning."""
    return {
        "name": token.name,
        "role": token.role.value,
        "tenants": token.tenants,
        "begins": token.shown,
        "standing": token.standing(time.time()),
        "madeAt": iso(token.made_at),
        "madeBy": token.made_by,
        "expiresAt": iso(token.expires_at) if token.expires_at else None,
        "revokedAt": iso(token.revoked_at) if token.revoked_at else None,
        "revokedBy": token.revoked_by or None,
    }


def _desk(request: web.Request) -> TokenDesk:
    found = request.config_dict.get(DESK)
    if found is None:
        raise Problem(501, "This process can't make tokens.")
    return found
