"""The base class of platforms' stand-ins, with the request and the refusal they share."""

from __future__ import annotations

import base64
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from ticketing.sandbox.behaviours import Behaviours
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Refusal(Exception):
    """A request that the platform refuses, with the platform's answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class BadAction(Exception):
    """An action of a person that the ticket's platform does not have."""


MALFORMED = object()
"""The value of a body that is declared as JSON and is not."""


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
        """User and password of HTTP Basic, None if the call authenticates otherwise."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return None
        return user, password

    def token(self, scheme: str) -> str | None:
        """The token of the Authorization header, None if the header has another scheme."""
        found, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if found.lower() == scheme.lower() else None


def whole_seconds(seconds: float) -> str:
    """Seconds for a Retry-After header: rounded up, never negative."""
    return str(max(0, math.ceil(seconds)))


def iso_time(unix_seconds: float) -> str:
    """A time as 2026-01-31T12:00:00Z."""
    moment = datetime.fromtimestamp(unix_seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Handler = Callable[[Call], web.Response]
Route = tuple[str, str, Handler]
"""Method, vendor's path, handler."""


class StandIn(ABC):
    """A vendor's HTTP API over its part of the ticket store. Handlers do not wait."""

    name: ClassVar[str]
    """The name of the platform's folder, and the first segment of its paths."""
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """The vendor's names for secrets in a body, beyond those that `recording` always masks."""
    session_cookie: ClassVar[str] = ""
    """The name of the cookie that the vendor sets in every answer."""
    behaviours: Behaviours
    """The vendor's behaviours that an installation switches on or off."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self.tickets = tickets
        self.behaviours = Behaviours()

    def reset(self) -> None:  # noqa: B027  (most platforms keep indexes, some do not)
        """Forget everything beside the tickets, such as indexes and counters."""

    def forget(self, ticket: Ticket) -> None:  # noqa: B027
        """Remove a ticket that was deleted or dropped from the platform's indexes."""

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """The vendor's paths; the first that matches a request answers it."""

    @abstractmethod
    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error in the vendor's form; `call` is None if its body was too large."""

    @abstractmethod
    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """The vendor's 429; `retry_after` is in seconds."""

    @abstractmethod
    def act(self, ticket: Ticket, action: str) -> None:
        """Close, reopen or acknowledge a ticket as a person does; raises BadAction.

        The caller deletes tickets, in the same way on every platform.
        """

    def malformed(self, response: web.Response) -> web.Response:
        """A broken answer: the given answer cut in half."""
        body = response.body if isinstance(response.body, bytes) else b""
        half = body[: len(body) // 2] or b"<html>"
        return web.Response(status=response.status, body=half, content_type="application/json")

    def queues(self, call: Call) -> bool:
        """True if the vendor answers a call with 202 and carries it out later."""
        return False

    def masked_path(self, path: str) -> str:
        """The path for the recording, without secrets."""
        return path
