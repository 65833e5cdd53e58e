"""OAuth: access tokens for a user's password, a refresh token, or a client alone."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import credentials
from ticketing.sandbox.servicenow.directory import sys_id_of
from ticketing.sandbox.tickets import PlatformTickets

TOKEN_SECONDS = 1799
"""ServiceNow's default of half an hour, less a second until the answer."""
TOKENS_MAX = 1000
"""Far more than are valid at once; beyond, the oldest are forgotten, so that memory is bounded."""


class Tokens:
    """Hands out access tokens and checks them."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self._now = tickets.now
        self.reset()

    def reset(self) -> None:
        """Forget all tokens."""
        self._expires: dict[str, float] = {}

    def good(self, token: str | None) -> bool:
        """True for a token that was handed out and has not expired."""
        return self._expires.get(token or "", 0.0) > self._now()

    def post(self, call: Call) -> web.Response:
        """POST oauth_token.do."""
        given = call.body if isinstance(call.body, dict) else {}
        client = (given.get("client_id"), given.get("client_secret"))
        if client != (credentials.CLIENT_ID, credentials.CLIENT_SECRET):
            return _denied("invalid_client")
        grant = given.get("grant_type")
        user = (given.get("username"), given.get("password"))
        if grant == "password":
            if user != (credentials.USER, credentials.PASSWORD):
                return _denied("access_denied")
        elif grant == "refresh_token":
            if not str(given.get("refresh_token")).startswith("refresh-"):
                return _denied("invalid_grant")
        elif grant != "client_credentials":
            return _denied("unsupported_grant_type")
        return web.json_response(self._new(refresh=grant != "client_credentials"))

    def _new(self, refresh: bool) -> dict[str, Any]:
        token = f"access-{sys_id_of('token', str(len(self._expires)))}"
        while len(self._expires) >= TOKENS_MAX:
            del self._expires[next(iter(self._expires))]
        self._expires[token] = self._now() + TOKEN_SECONDS
        answer: dict[str, Any] = {
            "access_token": token,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }
        return {**answer, "refresh_token": f"refresh-{token}"} if refresh else answer


def _denied(code: str) -> web.Response:
    return web.json_response({"error": code, "error_description": code}, status=401)
