"""A rehearsal: requests are shown instead of sent, and answered as the platform most likely would.

While `rehearsing` holds a rehearsal, the one HTTP client of all platforms gives it every request.
What a platform would answer is assumed by `sinks/<platform>/rehearsal.py`: enough for the next
request to be the right one, with stand-ins for ids that only the platform can give.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

from ticketing.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as a platform would get it; `body` is its JSON, or its form as a dictionary."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


class Assumed(Protocol):
    """What a platform is assumed to answer: the JSON of a 2xx answer, None for an empty one."""

    def __call__(self, call: Call) -> Any:
        """The answer to one request."""


Shown = Callable[[str, str, str], None]
"""Gets method, address and body of a request, without secrets."""


class Rehearsal:
    """Shows requests to one platform and answers them."""

    def __init__(self, platform: str, config: Config, shown: Shown) -> None:
        self._shown = shown
        module = importlib.import_module(f"sinks.{platform}.rehearsal")
        self._assumed: Assumed = module.Assumed(config)

    def answer(
        self, method: str, url: str, payload: bytes | None, redact: Callable[[str], str]
    ) -> Any:
        """Show one request; the assumed answer."""
        text = (payload or b"").decode()
        self._shown(method, redact(url), redact(text))
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return self._assumed(Call(method=method, path=parts.path, query=query, body=_body(text)))


rehearsing: ContextVar[Rehearsal | None] = ContextVar("rehearsing", default=None)


def _body(text: str) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return dict(parse_qsl(text, keep_blank_values=True))
