"""The one HTTP client of all platforms: it sends a request and classifies how that ended.

A platform sees either a good answer or `Failed`; it decides nothing about retries. No error holds
an address, a header or a secret.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from sinks.outcome import Failed, Failure, Reason, Rejected, RetryAfter, Unknown
from ticketing.config import Config
from ticketing.log import Redactor

CONNECT_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
DETAIL_CHARACTERS_MAX = 300
REQUEST_CHARACTERS_MAX = 16_000
RETRY_AFTER_SECONDS_MIN = 0.5
RETRY_AFTER_SECONDS_MAX = 900.0

REFUSALS = {
    401: Reason.CREDENTIALS,
    402: Reason.CREDENTIALS,
    403: Reason.CREDENTIALS,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    413: Reason.TOO_LARGE,
}
PASSING = frozenset({408, 425, 429})
"""Statuses that say that the request was not carried out, and may be later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer with a status of 2xx. `data` is its JSON, or None."""

    status: int
    body: bytes
    data: Any = None


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from a Retry-After header: a number or a date (RFC 9110, 10.2.3), bounded.

    `now` is Unix seconds. None when there is no such header or it makes no sense.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return None
    # Neither "nan" nor "inf" is a wait.
    if not -1e12 < seconds < 1e12:
        return None
    return min(max(seconds, RETRY_AFTER_SECONDS_MIN), RETRY_AFTER_SECONDS_MAX)


def classify(status: int, seconds: float | None, detail: str, request: str) -> Failure:
    """What a status other than 2xx means; `seconds` is what Retry-After asked for.

    A 5xx leaves open whether something was done before the fault; the request itself is over.
    """
    if status in PASSING:
        return RetryAfter(Reason.RATE_LIMITED, seconds, detail)
    if status >= 500:
        return Unknown(Reason.SERVER_ERROR, True, seconds, detail)
    if 300 <= status < 400:
        return Rejected(Reason.REDIRECT, detail, request)
    return Rejected(REFUSALS.get(status, Reason.INVALID), detail, request)


class Http:
    """A session to one platform. `secrets` are masked wherever a request or answer is quoted."""

    def __init__(
        self,
        *,
        timeout: float,
        secrets: Iterable[str] = (),
        ca_bundle: Path | None = None,
        fence: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._fence = fence
        self._clock = clock
        self.redact = Redactor(secrets)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        text: bool = False,
        account: str = "",
    ) -> Answer:
        """Send one request; raises Failed. With `text` the answer need not be JSON.

        `body` goes as JSON, `form` as a form; only one of them can be given.
        `account` is a reference to what the platform counts our requests by, never a secret.

        Redirects are not followed: a request with a secret goes where it was configured to go.
        """
        payload, kept = _payload(body, form)
        quoted = self.quote(payload)
        self._fence()
        try:
            async with self._open().request(
                method,
                url,
                data=payload,
                params=params,
                headers={**kept, **(headers or {})},
                allow_redirects=False,
            ) as response:
                raw = await self._read(response)
                status, reply_headers = response.status, response.headers
        except aiohttp.ConnectionTimeoutError as error:
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, "no connection in time")) from error
        except asyncio.TimeoutError as error:
            raise Failed(Unknown(Reason.TIMEOUT, detail="no answer in time")) from error
        except aiohttp.ClientConnectorError as error:
            # Nothing was sent: there was no connection to send it over.
            detail = f"no connection: {type(error).__name__}"
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, detail)) from error
        except aiohttp.InvalidURL as error:
            raise Failed(Rejected(Reason.INVALID, "the address is none")) from error
        except (aiohttp.ClientError, OSError) as error:
            detail = type(error).__name__
            raise Failed(Unknown(Reason.CONNECTION_LOST, detail=detail)) from error
        if not 200 <= status < 300:
            seconds = retry_after(reply_headers.get("Retry-After"), self._clock())
            detail = f"HTTP {status} {self.excerpt(raw)}".strip()
            raise Failed(classify(status, seconds, detail, quoted), status=status, body=raw)
        return Answer(status, raw, None if text else _json(raw))

    def quote(self, payload: bytes | None) -> str:
        """A request's body for the dead letters, without secrets."""
        return self.redact((payload or b"").decode()[: 2 * REQUEST_CHARACTERS_MAX])[
            :REQUEST_CHARACTERS_MAX
        ]

    def excerpt(self, raw: bytes) -> str:
        """The beginning of an answer for an error message, without secrets, in one line."""
        text = raw[:4000].decode("utf-8", "replace")
        return " ".join(self.redact(text).split())[:DETAIL_CHARACTERS_MAX]

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        raw = bytearray()
        async for chunk in response.content.iter_chunked(65536):
            raw += chunk
            if len(raw) > ANSWER_BYTES_MAX:
                raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is too long"))
        return bytes(raw)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Made here, as it has to be made inside the event loop.
            verify = ssl.create_default_context(cafile=self._ca_bundle) if self._ca_bundle else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=verify, limit=0),
                timeout=aiohttp.ClientTimeout(
                    total=self._timeout, connect=min(CONNECT_SECONDS_MAX, self._timeout)
                ),
                trust_env=True,
            )
        return self._session


def _payload(body: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if body is None:
        return None, {}
    return msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"}


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not JSON")) from error


def http_for(
    config: Config, platform: str, secrets: Iterable[str], fence: Callable[[], None]
) -> Http:
    """The client of a platform as configured; `fence` is called right before each request."""
    section = config.platform(platform)
    return Http(timeout=section.timeout, secrets=secrets, ca_bundle=section.ca_bundle, fence=fence)
