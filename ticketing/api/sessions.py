"""Sessions of people: sign-in at the OIDC provider, and the cookie that keeps the ID token.

The cookie is the provider's own token: it proves itself to every worker, ends when the provider
says, and no key or table of sessions has to be kept.
"""

from __future__ import annotations

import hmac
import re
import secrets

from aiohttp import web

from ticketing.access.oidc import Provider
from ticketing.api.described import Answer, Parameter, described, ok, refused
from ticketing.api.door import NOTED, PRINCIPAL, SESSION, session_cookie
from ticketing.api.problems import Problem
from ticketing.api.rules import OPEN, Route, get, post
from ticketing.api.security import CALLBACK_PATH
from ticketing.api.services import status
from ticketing.api.shapes import record

BEGIN_PATH = "/api/v1/session/begin"
SIGNING_IN = "ticketing-signing-in"
SIGNING_IN_SECONDS = 600
"""For a person who has to find a second factor."""
SECRET_BYTES = 32
"""As RFC 7636 recommends for a verifier."""
_KEPT = re.compile(r"([\w-]{43})\.([\w-]{43})\.([\w-]{43})", re.ASCII)

PROVIDER: web.AppKey[Provider] = web.AppKey("provider", Provider)

_REDIRECT = (302, Answer("the way on", headers={"Location": "the address to go on at"}))
_SILENT = refused(503, "the provider does not answer")
_FROM_PROVIDER = (
    Parameter("code", "the provider's, to be redeemed once"),
    Parameter("state", "that of the sign-in which was begun"),
)


def session_routes() -> list[Route]:
    """The routes of sessions; each is open, as nobody is known before."""
    return [
        get("/api/v1/session", session, OPEN),
        get(BEGIN_PATH, begin, OPEN),
        get(CALLBACK_PATH, callback, OPEN),
        post("/api/v1/session/end", end, OPEN),
    ]


@described(ok("the way", record({"signIn": "text or null"})))
async def session(request: web.Request) -> web.Response:
    """GET /api/v1/session: `{signIn}`, the path at which people sign in; null without a provider."""
    known = PROVIDER in request.config_dict
    return web.json_response({"signIn": BEGIN_PATH.removeprefix("/") if known else None})


@described(_REDIRECT, refused(404, "there is no provider"), _SILENT)
async def begin(request: web.Request) -> web.Response:
    """GET /api/v1/session/begin: sign in at the provider."""
    state, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(3))
    url = await _provider(request).sign_in_url(state, nonce, verifier)
    answer = web.Response(status=302, headers={"Location": url})
    kept = f"{state}.{nonce}.{verifier}"
    # Lax, as it has to come back with a link of the provider's page.
    _set(answer, request, SIGNING_IN, kept, max_age=SIGNING_IN_SECONDS, samesite="Lax")
    return answer


@described(_REDIRECT, refused(404, "there is no provider"), _SILENT, query=_FROM_PROVIDER)
async def callback(request: web.Request) -> web.Response:
    """GET /api/v1/session/callback: back from the provider, to the console with a session."""
    provider = _provider(request)
    kept = _KEPT.fullmatch(request.cookies.get(_name(request, SIGNING_IN), ""))
    state, code = request.query.get("state", ""), request.query.get("code", "")
    if kept is None or not hmac.compare_digest(kept[1].encode(), state.encode()):
        raise Problem(403, "This sign-in was not begun in this browser, or too long ago.")
    found = await provider.redeem(code, kept[2], kept[3]) if code else None
    if found is None:
        raise Problem(403, "The provider did not let you in, or you have no role here.")
    request[PRINCIPAL], request[NOTED] = found[0], True
    home = f"{status(request).config.web.public_url}/"
    answer = web.Response(status=302, headers={"Location": home})
    _unset(answer, request, SIGNING_IN)
    _set(answer, request, SESSION, found[1], max_age=None, samesite="Strict")
    return answer


@described(ok("done", record({"status": "text"})))
async def end(request: web.Request) -> web.Response:
    """POST /api/v1/session/end: forget the session in this browser."""
    answer = web.json_response({"status": "ended"})
    _unset(answer, request, SESSION)
    return answer


def _provider(request: web.Request) -> Provider:
    found = request.config_dict.get(PROVIDER)
    if found is None:
        raise Problem(404, "Set access.oidc.issuer to sign in at a provider.")
    return found


def _name(request: web.Request, name: str) -> str:
    return session_cookie(status(request).config, name)


def _set(
    answer: web.Response,
    request: web.Request,
    name: str,
    value: str,
    *,
    max_age: int | None,
    samesite: str,
) -> None:
    answer.set_cookie(
        _name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite=samesite,
    )


def _unset(answer: web.Response, request: web.Request, name: str) -> None:
    answer.del_cookie(
        _name(request, name), path="/", secure=_is_secure(request), httponly=True, samesite="Lax"
    )


def _is_secure(request: web.Request) -> bool:
    return str(status(request).config.web.public_url).startswith("https:")
