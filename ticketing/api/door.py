"""The one door of every listener: it knows the sender of each request, and the sender's role."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.access.audit_topic import AuditLog
from ticketing.access.oidc import Provider
from ticketing.access.token_book import TokenBook
from ticketing.access.token_topic import TokenTopic
from ticketing.api.problems import Problem
from ticketing.api.rules import Rule, rule_of
from ticketing.api.security import CALLBACK_PATH
from ticketing.api.senders import sender_address
from ticketing.config import Config
from ticketing.domain.access import tokens
from ticketing.domain.access.attempts import Attempts, address_key
from ticketing.domain.access.audit import Entry
from ticketing.domain.access.principal import LOCAL, SHARED, Principal, Role
from ticketing.domain.access.tokens import Token
from ticketing.kafka.runtime import Runtime

GOOD_MAX = 1024
"""Tokens accepted lately, more than an installation has in use."""
PREFIX_CHARS = 12
"""Of a token tried: its form and a few characters, by which tries at one token are known."""
JWT_DOTS = 2
"""Between header, claims and signature; no named token has any."""
SESSION = "ticketing-session"
"""The cookie with a person's ID token."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ticketing"'}


class Tokens(Protocol):
    """The named tokens as a process knows them."""

    async def find(self, secret: str) -> Token | None:
        """The token of a secret, valid or not; None for an unknown one. Raises Unavailable."""

    async def close(self) -> None:
        """Disconnect."""


class People(Protocol):
    """The provider of people's tokens."""

    async def person(self, token: str) -> Principal | None:
        """The bearer of a token; None for one that is not the provider's. Raises Unavailable."""


class Audit(Protocol):
    """Notes what was done and what was refused; never waits."""

    def write(self, entry: Entry) -> None:
        """Note an entry."""

    def close(self) -> None:
        """Send what waits, and disconnect."""


class Door:
    """Knows principals by their credentials, and slows down those who guess."""

    def __init__(
        self,
        config: Config,
        named: Tokens | None = None,
        audit: Audit | None = None,
        people: People | None = None,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` has the time of expiry, `steady` that of pauses."""
        self._config = config
        self._named = named
        self.audit = audit
        self._people = people
        self._clock = clock
        self._steady = steady
        self._attempts = Attempts()
        self._good: OrderedDict[str, None] = OrderedDict()

    async def close(self) -> None:
        """Disconnect."""
        if self._named is not None:
            await self._named.close()
        if self.audit is not None:
            await asyncio.to_thread(self.audit.close)

    async def principal(self, request: web.Request) -> Principal:
        """The sender of a request.

        Raises Problem: 401 without a valid credential, 429 after too many failures; and Unavailable
        for a named token while Kafka can't say.
        """
        credential = _bearer(request)
        if not self._config.asks_for_credentials and not credential.startswith(tokens.PREFIX):
            return LOCAL
        if not credential and self._people is not None:
            kept = request.cookies.get(session_cookie(self._config))
            # An old session is not a guess: open pages go on asking with it.
            person = await self._people.person(kept) if kept else None
            if person is not None:
                return person
        if not credential:
            raise _unknown("Send `Authorization: Bearer <token>`.")
        address, is_jwt = address_key(self.address(request)), self._is_jwt(credential)
        # JWTs of one provider all begin with the same header, which stands for nobody.
        keys = (f"jwt:{address}",) if is_jwt else (address, f"token:{credential[:PREFIX_CHARS]}")
        digest = tokens.digest_of(credential)
        # Somebody beside a guesser, such as behind the same proxy, goes on with a token that was
        # accepted before, or that nobody can guess: a JWT has a signature.
        if digest not in self._good and not is_jwt:
            self._require_patience(keys)
        found = await self._known(credential)
        if found is None:
            self._good.pop(digest, None)
            self._require_patience(keys)
            self._attempts.failed(keys, self._steady())
            request[NOTED] = True
            raise _unknown("The token is not known, or it was revoked or has expired.")
        self._remember(digest)
        return found

    def address(self, request: web.Request) -> str:
        """The address of a request's sender, behind trusted proxies too."""
        return sender_address(request, self._config)

    async def _known(self, credential: str) -> Principal | None:
        shared = self._config.web.token
        if shared is not None and _same(credential, shared.get_secret_value()):
            return SHARED
        if self._people is not None and self._is_jwt(credential):
            return await self._people.person(credential)
        if self._named is None or not tokens.is_well_formed(credential):
            return None
        token = await self._named.find(credential)
        valid = token is not None and token.is_valid(self._clock())
        return token.principal if token is not None and valid else None

    def _is_jwt(self, credential: str) -> bool:
        return self._people is not None and credential.count(".") == JWT_DOTS

    def _require_patience(self, keys: tuple[str, ...]) -> None:
        wait = self._attempts.wait(keys, self._steady())
        if wait > 0:
            raise Problem(
                429,
                "Too many wrong tokens from this address. Come back later.",
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def _remember(self, digest: str) -> None:
        self._good[digest] = None
        self._good.move_to_end(digest)
        if len(self._good) > GOOD_MAX:
            self._good.popitem(last=False)


DOOR: web.AppKey[Door] = web.AppKey("door", Door)
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
NOTED: web.RequestKey[bool] = web.RequestKey("noted", bool)
"""Marks a request for the audit: a wrong credential, a sign-in."""
SUBJECTS: web.RequestKey[list[str]] = web.RequestKey("subjects", list)
"""The ids and names that a request is about, where its path does not name them."""
PARTS: web.RequestKey[dict[int, list[str]]] = web.RequestKey("parts", dict)
"""The subjects of a request by the HTTP status that each got, where they differ."""


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let those in who may use the route."""
    rule = rule_of(request)
    if rule.role is not None:
        principal = await request.config_dict[DOOR].principal(request)
        request[PRINCIPAL] = principal
        require(principal, rule)
    return await handler(request)


def principal_of(request: web.Request) -> Principal:
    """The sender of a request to a route that is not open."""
    return request[PRINCIPAL]


def require(principal: Principal, rule: Rule) -> None:
    """Raise 403 for a principal without the rights that a rule asks for."""
    if rule.role is not None and not principal.may(rule.role):
        raise _forbidden(principal, rule.role)
    if rule.all_tenants and principal.tenants is not None:
        raise Problem(
            403, f"{principal.name} is limited to tenants, and this is about all of them."
        )


def require_role(principal: Principal, role: Role) -> None:
    """Raise 403 for a principal with a lesser role."""
    require(principal, Rule(role))


def _forbidden(principal: Principal, role: Role) -> Problem:
    detail = f"{principal.name} is {principal.role.value}; this needs the role {role.value}."
    return Problem(403, detail, role=role.value)


def session_cookie(config: Config, name: str = SESSION) -> str:
    """The name of a cookie; over https browsers then take it from this host alone."""
    return f"__Host-{name}" if str(config.web.public_url).startswith("https:") else name


def _bearer(request: web.Request) -> str:
    """The bearer token of a request, empty without one."""
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    return sent.strip() if scheme.lower() == "bearer" else ""


def _same(left: str, right: str) -> bool:
    codec = ("utf-8", "surrogateescape")
    return hmac.compare_digest(left.encode(*codec), right.encode(*codec))


def _unknown(detail: str) -> Problem:
    return Problem(401, detail, headers=CHALLENGE)


def keep_door(app: web.Application, door: Door) -> None:
    """Give an application its door, and close the door with it."""
    app[DOOR] = door

    async def close(_: web.Application) -> None:
        await door.close()

    app.on_cleanup.append(close)


def door_of(runtime: Runtime) -> Door:
    """The door of a listener in a process of the installation."""
    book, audit = TokenBook(TokenTopic(runtime)), AuditLog(runtime)
    return Door(runtime.config, book, audit, provider_of(runtime.config))


def provider_of(config: Config) -> Provider | None:
    """The provider of a configuration, which sends people back to `web.publicUrl`."""
    oidc = config.access.oidc
    return Provider(oidc, f"{config.web.public_url}{CALLBACK_PATH}") if oidc.issuer else None
