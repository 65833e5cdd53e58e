"""The transport of a dry run: requests are shown instead of sent, and get assumed answers.

`sinks/<platform>/dry_run.py` assumes the answers: enough for the next request to be the right one,
with stand-ins for ids that only the platform can give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from yarl import URL

from sinks.calls.transport import Reply

OK = 200
"""The status of every assumed answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunRequest:
    """A request as a platform would get it; `body` is decoded JSON, or a form as a dictionary."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


AssumedAnswers = Callable[[DryRunRequest], Any]
"""Returns the assumed answer to a request: bytes are sent as they are, other values as JSON."""
ShowRequest = Callable[[str, str, str], None]
"""Takes the method, address and body of a request, without secrets."""


class DryRun:
    """A `Transport` that shows the requests to one platform and gives assumed answers."""

    def __init__(
        self, answers: AssumedAnswers, show: ShowRequest, redact: Callable[[str], str]
    ) -> None:
        self._answers = answers
        self._show = show
        self._redact = redact

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        payload: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
    ) -> Reply:
        """Show one request and return its assumed answer."""
        address = str(URL(url).update_query(params) if params else URL(url))
        text = (payload or b"").decode()
        self._show(method, self._redact(address), self._redact(text))
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = DryRunRequest(method=method, path=parts.path, query=query, body=_body(text))
        answer = self._answers(request)
        return Reply(OK, {}, answer if isinstance(answer, bytes) else msgspec.json.encode(answer))

    async def close(self) -> None:
        """Do nothing, as nothing was opened."""


def _body(text: str) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return dict(parse_qsl(text, keep_blank_values=True))
