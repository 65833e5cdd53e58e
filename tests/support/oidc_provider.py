"""An OpenID Connect provider, as strict as the specifications: PKCE, redirect, nonce, one use."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "ticketing"
CLIENT_SECRET = "s3cr3t/with:signs"


class OidcProvider:
    """Runs within `async with`; `person` are the claims of whoever signs in."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.keys = [_key("first")]
        self.person: dict[str, Any] = {
            "sub": "u-1",
            "email": "ada@corp.example",
            "email_verified": True,
            "roles": ["sre"],
        }
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.key_reads = 0
        self.keys_status = 200
        self.further_keys: list[Any] = [{"kty": "of-tomorrow", "kid": "x"}]
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        self._server: Any = TestServer(app)

    async def __aenter__(self) -> OidcProvider:
        await self._server.start_server()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.close()

    @property
    def issuer(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    def rotate(self) -> None:
        """Sign with a new key, and show it alone."""
        self.keys = [_key(secrets.token_hex(4))]

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A token; a claim of None is left out."""
        now = int(time.time())
        given = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            **self.person,
            **claims,
        }
        given = {name: value for name, value in given.items() if value is not None}
        head = {"alg": "RS256", "kid": self.keys[0].kid, **(header or {})}
        return jwt.encode(head, given, key or self.keys[0], algorithms=[head["alg"]])

    def public_pem(self) -> bytes:
        return bytes(self.keys[0].as_pem(private=False))

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        self.key_reads += 1
        shown = [key.as_dict(private=False) for key in self.keys]
        if self.keys_status != 200:
            return web.Response(status=self.keys_status, text="<h1>away</h1>")
        return web.json_response({"keys": [*self.further_keys, *shown]})

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = request.query
        wanted = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "code_challenge_method": "S256",
        }
        for name, value in wanted.items():
            if asked.get(name) != value:
                return self._refuse(name)
        if "openid" not in asked.get("scope", "").split():
            return self._refuse("scope")
        for name in ("state", "nonce", "code_challenge"):
            if len(asked.get(name, "")) < 43:
                return self._refuse(name)
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(asked)
        back = urlencode({"code": code, "state": asked["state"]})
        return web.Response(status=302, headers={"Location": f"{self.redirect_uri}?{back}"})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form.get("code")), None)
        user, _, secret = _pair(request.headers.get("Authorization", "")).partition(":")
        if (user, secret) != (CLIENT_ID, "s3cr3t%2Fwith%3Asigns"):
            return self._refuse("client")
        if form.get("grant_type") != "authorization_code" or asked is None:
            return self._refuse("code")
        if form.get("redirect_uri") != self.redirect_uri:
            return self._refuse("redirect_uri")
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return self._refuse("code_verifier")
        claims = {"nonce": asked["nonce"], **self.person}
        return web.json_response(
            {"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(**claims)}
        )

    def _refuse(self, why: str) -> web.Response:
        self.refused.append(why)
        return web.json_response({"error": "invalid_request", "error_description": why}, status=400)


def _key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True)


def _pair(header: str) -> str:
    scheme, _, value = header.partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else ""
