"""What every platform of the sandbox has in common: calls, refusals, a person's actions."""

from __future__ import annotations

import base64
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar, NoReturn

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from ticketing.sandbox.tickets import Ticket, Tickets


class Rejected(Exception):
    """A request the platform refuses, with the answer it would give."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class BadAction(Exception):
    """A person's action that the ticket's platform does not have."""


MALFORMED = object()
"""Stands for a body that says it is JSON and is not."""


@dataclass(frozen=True)
class Call:
    """One request to a platform; `path` and `query` are the vendor's, without our prefix.

    `raw_path` is the path as it was sent, with its escapes.
    """

    method: str
    path: str
    raw_path: str
    query: MultiMapping[str]
    headers: CIMultiDictProxy[str]
    body: Any
    raw: bytes
    params: Mapping[str, str]
    base_url: str

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password of HTTP Basic, if that is how the call authenticates."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return None
        return user, password

    def token(self, scheme: str) -> str | None:
        """What follows the scheme in the Authorization header, if it is that scheme."""
        found, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if found.lower() == scheme.lower() else None


def whole_seconds(seconds: float) -> str:
    """For a Retry-After header: rounded up, never negative."""
    return str(max(0, math.ceil(seconds)))


def iso_time(unix_seconds: float) -> str:
    """As 2026-01-31T12:00:00Z."""
    moment = datetime.fromtimestamp(unix_seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Handler = Callable[[Call], web.Response]
Route = tuple[str, str, Handler]


class Platform(ABC):
    """A vendor's HTTP API over the common ticket store. Handlers do not wait for anything."""

    name: ClassVar[str]

    def __init__(self, tickets: Tickets) -> None:
        self.tickets = tickets
        self.reset()

    def reset(self) -> None:  # noqa: B027  (most platforms keep indexes, some do not)
        """Forget what is kept besides the tickets themselves."""

    def forget(self, ticket: Ticket) -> None:  # noqa: B027
        """The store dropped an old ticket: drop it from indexes too."""

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """Method, vendor's path, handler."""

    @abstractmethod
    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error of this status in the vendor's form; without a call its body was too large."""

    @abstractmethod
    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """The vendor's 429; `retry_after` is in seconds."""

    @abstractmethod
    def act(self, ticket: Ticket, action: str) -> None:
        """What a person does on the platform: close, reopen or acknowledge; BadAction if unknown.

        Deleting is the same everywhere and done by the caller.
        """

    def malformed(self, response: web.Response) -> web.Response:
        """The answer as it looks when broken: cut in half."""
        body = response.body if isinstance(response.body, bytes) else b""
        half = body[: len(body) // 2] or b"<html>"
        return web.Response(status=response.status, body=half, content_type="application/json")

    def refuse(self, call: Call, status: int, reason: str) -> NoReturn:
        """Stop handling with the vendor's error."""
        raise Rejected(self.error(call, status, reason))

    def find(self, ticket_id: str) -> Ticket | None:
        """A ticket that was neither deleted nor forgotten."""
        return self.tickets.alive(self.name, ticket_id)

    def listing(self) -> list[Ticket]:
        """All living tickets, oldest first."""
        return list(self.tickets.of(self.name))
