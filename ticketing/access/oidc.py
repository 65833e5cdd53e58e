"""An OpenID Connect provider: authorization code with PKCE, and the verification of its tokens.

https://openid.net/specs/openid-connect-core-1_0.html, https://www.rfc-editor.org/rfc/rfc7636,
https://www.rfc-editor.org/rfc/rfc9700
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jwt import JWTClaimsRegistry

from ticketing import outgoing
from ticketing.access.claims import principal_of
from ticketing.config.access import Oidc
from ticketing.domain.access.principal import Principal
from ticketing.errors import Unavailable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a private key: neither `none`, nor HMAC, whose key could be the public one."""
ANSWER_SECONDS_MAX = 10.0
"""A person waits for a page meanwhile."""
ANSWER_BYTES_MAX = 256 * 1024
"""Far above a provider's keys or tokens."""
KEPT_SECONDS = 3600.0
"""Between looks at the provider's addresses and keys, which change rarely."""
AGAIN_SECONDS = 10.0
"""Between looks for a key that is not known, as a token can name any; and after no answer."""
STALE_SECONDS_MAX = 86_400.0
"""Keys hold on for so long while the provider does not answer: sessions end by themselves."""
LEEWAY_SECONDS = 30
"""The difference of two clocks that are kept in time."""
TOKEN_CHARS_MAX = 3_800
"""A cookie holds four kilobytes with its name and attributes."""
_WRONG = (JoseError, ValueError, TypeError, KeyError, RecursionError)
"""Errors of a token that can't be read or verified."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a provider, from its discovery document."""

    authorization: str
    token: str
    keys: str


class Provider:
    """The provider of a configuration. For the event loop of one thread."""

    def __init__(
        self,
        oidc: Oidc,
        redirect_uri: str,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oidc = oidc
        self._issuer = oidc.issuer or ""
        self._client_id = oidc.client_id or ""
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._steady = steady
        self._turn = asyncio.Lock()
        self._endpoints: Endpoints | None = None
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._again_at = 0.0

    async def sign_in_url(self, state: str, nonce: str, verifier: str) -> str:
        """The address at which a person signs in; raises Unavailable."""
        endpoints = await self._discovered()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._oidc.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(endpoints.authorization).query else "?"
        return f"{endpoints.authorization}{joint}{urlencode(query)}"

    async def redeem(self, code: str, nonce: str, verifier: str) -> tuple[Principal, str] | None:
        """The person and the ID token for a code; None for a code or a token that is refused.

        Raises Unavailable when the provider does not answer.
        """
        endpoints = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if self._oidc.client_secret is None:
            form["client_id"] = self._client_id
        else:
            headers["Authorization"] = _basic(
                self._client_id, self._oidc.client_secret.get_secret_value()
            )
        status, answer = await self._ask("POST", endpoints.token, data=form, headers=headers)
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str) or len(token) > TOKEN_CHARS_MAX:
            return None
        claims = await self._claims(token, (self._client_id,))
        if claims is None or claims.get("nonce") != nonce:
            return None
        principal = principal_of(claims, self._oidc)
        return None if principal is None else (principal, token)

    async def person(self, token: str) -> Principal | None:
        """The person or program of a token; None for one that is not the provider's, or expired.

        Raises Unavailable when its keys can't be read.
        """
        claims = await self._claims(token, (self._client_id, *self._oidc.audiences))
        return None if claims is None else principal_of(claims, self._oidc)

    async def _claims(self, token: str, audiences: tuple[str, ...]) -> Mapping[str, Any] | None:
        claims = _signed(token, await self._known_keys())
        if claims is None and self._steady() - self._read_at > AGAIN_SECONDS:
            # The provider may have taken a new key.
            claims = _signed(token, await self._known_keys(afresh=True))
        return claims if claims is not None and self._holds(claims, audiences) else None

    def _holds(self, claims: Mapping[str, Any], audiences: tuple[str, ...]) -> bool:
        """True for claims of this provider for this client and this time."""
        registry = JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "values": list(audiences)},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except _WRONG:
            return False
        party = claims.get("azp")
        return party is None or party in audiences

    async def _known_keys(self, *, afresh: bool = False) -> KeySet:
        age_max = AGAIN_SECONDS if afresh else KEPT_SECONDS
        found = self._kept(age_max)
        # Whoever bears a token of a known key does not wait for looks for the keys of others.
        if found is not None:
            return found
        endpoints = await self._discovered()
        async with self._turn:
            found = self._kept(age_max)
            return await self._read(endpoints, afresh=afresh) if found is None else found

    def _kept(self, age_max: float) -> KeySet | None:
        return self._keys if self._steady() - self._read_at <= age_max else None

    async def _read(self, endpoints: Endpoints, *, afresh: bool) -> KeySet:
        try:
            with self._spaced():
                status, answer = await self._ask("GET", endpoints.keys)
                keys = _imported(answer, status)
        except Unavailable:
            kept = None if afresh else self._kept(STALE_SECONDS_MAX)
            if kept is None:
                raise
            return kept
        self._keys, self._read_at = keys, self._steady()
        return keys

    async def _discovered(self) -> Endpoints:
        if self._endpoints is not None:
            return self._endpoints
        async with self._turn:
            if self._endpoints is None:
                with self._spaced():
                    url = f"{self._issuer}/.well-known/openid-configuration"
                    status, found = await self._ask("GET", url)
                    self._endpoints = _endpoints(found, self._issuer, status)
            return self._endpoints

    @contextmanager
    def _spaced(self) -> Iterator[None]:
        """Leave a pause after each failure: those who wait for their turn need not fail as slowly."""
        if self._steady() < self._again_at:
            raise _silent("it did not a moment ago")
        try:
            yield
        except Unavailable:
            self._again_at = self._steady() + AGAIN_SECONDS
            raise

    async def _ask(self, method: str, url: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer; an empty one for anything else."""
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(method, url, **outgoing.options(url), **sent) as answer,
            ):
                raw = await answer.content.read(ANSWER_BYTES_MAX)
                # A read ends early where the answer comes in pieces.
                while len(raw) < ANSWER_BYTES_MAX and not answer.content.at_eof():
                    raw += await answer.content.read(ANSWER_BYTES_MAX - len(raw))
                return answer.status, _object(raw)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise _silent(type(error).__name__) from None


def _signed(token: str, keys: KeySet) -> Mapping[str, Any] | None:
    """The claims of a token that one of the keys has signed; None for another."""
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except _WRONG:
        return None


def challenge_of(verifier: str) -> str:
    """The challenge of a PKCE verifier, by S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _endpoints(found: Mapping[str, Any], issuer: str, status: int) -> Endpoints:
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [found.get(name) for name in names]
    if found.get("issuer") != issuer:
        raise _silent(f"its configuration, status {status}, is not that of access.oidc.issuer")
    scheme = urlsplit(issuer).scheme
    if not all(isinstance(url, str) and urlsplit(url).scheme in ("https", scheme) for url in urls):
        raise _silent("its configuration has no https addresses")
    return Endpoints(*map(str, urls))


def _signing(answer: Mapping[str, Any]) -> list[Any]:
    """The keys of signatures by private keys."""
    keys = answer.get("keys")
    return [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict) and key.get("kty") != "oct" and key.get("use", "sig") == "sig"
    ]


def _imported(answer: Mapping[str, Any], status: int) -> KeySet:
    """The keys that can be read; raises Unavailable without any. One of a new kind hides no other."""
    found = []
    for one in _signing(answer) if status == 200 else []:
        try:
            found.append(JWKRegistry.import_key(one))
        except _WRONG:
            continue
    if not found:
        raise _silent(f"its keys, status {status}, can't be read")
    return KeySet(found)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _basic(user: str, secret: str) -> str:
    """The client's credentials, each encoded as in a form first (RFC 6749, 2.3.1)."""
    pair = f"{quote(user, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _silent(why: str) -> Unavailable:
    return Unavailable(f"the OIDC provider does not answer ({why})")
