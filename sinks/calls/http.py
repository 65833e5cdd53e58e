"""The one HTTP client of all platforms: it sends a request and classifies how that ended.

A platform sees either a good answer or `Failed`; it decides nothing about retries. No error holds
an address, a header or a secret.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from sinks.calls import retry_after
from sinks.calls.dry_run import rehearsing
from sinks.calls.limits import Limits, limits_for
from sinks.calls.outcome import Failed, Failure, Reason, Rejected, RetryAfter, Unknown
from ticketing.config import Config
from ticketing.log import Redactor

CONNECT_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
DETAIL_CHARACTERS_MAX = 300
REQUEST_CHARACTERS_MAX = 16_000
PATIENCE_SECONDS = 1.0
"""How long a request waits for room under the rate limit before it gives its place away."""

REFUSALS = {
    401: Reason.CREDENTIALS,
    402: Reason.CREDENTIALS,
    403: Reason.CREDENTIALS,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    413: Reason.TOO_LARGE,
}
TOO_MANY_REQUESTS = 429
PASSING = frozenset({408, 425, TOO_MANY_REQUESTS})
"""Statuses that say that the request was not carried out, and may be later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer with a status of 2xx. `data` is its JSON, or None."""

    status: int
    body: bytes
    data: Any = None


def classify(status: int, seconds: float | None, detail: str, request: str) -> Failure:
    """The failure behind a status other than 2xx; `seconds` is how long the platform asked to wait.

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
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._fence = fence
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
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
        `account` is a reference to what the platform counts our requests by, never a secret. If
        there is no room for another request of it, none is sent and the outcome is RetryAfter.

        Redirects are not followed: a request with a secret goes where it was configured to go.
        """
        payload, kept = _payload(body, form)
        rehearsal = rehearsing.get()
        if rehearsal is not None:
            data = rehearsal.answer(method, str(_with(url, params)), payload, self.redact)
            return Answer(200, b"ok" if text else msgspec.json.encode(data), data)
        await self._wait_for_room(account)
        self._fence()
        try:
            answer, reply_headers = await self._exchange(
                method, url, data=payload, params=params, headers={**kept, **(headers or {})}
            )
            self._mind(reply_headers, answer.status, account)
            if not 200 <= answer.status < 300:
                seconds = retry_after.asked_for(reply_headers, self._clock())
                detail = f"HTTP {answer.status} {self.excerpt(answer.body)}".strip()
                failure = classify(answer.status, seconds, detail, "")
                raise Failed(failure, status=answer.status, body=answer.body)
            return answer if text else replace(answer, data=_json(answer.body))
        except Failed as failed:
            request = f"{method} {self.redact(url)}\n{self.quote(payload)}".strip()
            failed.outcome = msgspec.structs.replace(failed.outcome, request=request)
            raise

    async def _wait_for_room(self, account: str) -> None:
        if self._limits is None:
            return
        patience = PATIENCE_SECONDS
        while (seconds := await self._limits.take(account)) > 0:
            if seconds > patience:
                detail = "the rate limit leaves no room"
                raise Failed(RetryAfter(Reason.NO_ROOM, seconds, detail))
            patience -= seconds
            await self._sleep(seconds)

    def _mind(self, headers: Mapping[str, str], status: int, account: str) -> None:
        """Send nothing more for as long as the answer asks for."""
        now = self._clock()
        limited = status == TOO_MANY_REQUESTS
        seconds = (retry_after.asked_for if limited else retry_after.used_up)(headers, now)
        if self._limits is not None and seconds is not None:
            self._limits.close(account, seconds)

    async def _exchange(
        self, method: str, url: str, **request: Any
    ) -> tuple[Answer, Mapping[str, str]]:
        try:
            async with self._open().request(
                method, url, allow_redirects=False, **request
            ) as response:
                raw = await self._read(response)
                return Answer(response.status, raw), response.headers
        except aiohttp.ConnectionTimeoutError as error:
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, "no connection in time")) from error
        except asyncio.TimeoutError as error:
            raise Failed(Unknown(Reason.TIMEOUT, detail="no answer in time")) from error
        except aiohttp.ClientConnectorError as error:
            # Nothing was sent: there was no connection to send it over.
            detail = f"no connection: {type(error).__name__}"
            raise Failed(RetryAfter(Reason.UNREACHABLE, None, detail)) from error
        except aiohttp.InvalidURL as error:
            raise Failed(Rejected(Reason.INVALID, "the address is not an http(s) URL")) from error
        except (aiohttp.ClientError, OSError) as error:
            detail = type(error).__name__
            raise Failed(Unknown(Reason.CONNECTION_LOST, detail=detail)) from error

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
            # aiohttp sends a PUT again by itself when the connection ends without an answer. Ours
            # may add a comment; whether anything is sent again is the adapter's to decide.
            self._session._retry_connection = False
        return self._session


def _payload(body: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if body is None:
        return None, {}
    return msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"}


def _with(url: str, params: Mapping[str, str] | None) -> URL:
    return URL(url).update_query(params) if params else URL(url)


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
    return Http(
        timeout=section.timeout,
        secrets=secrets,
        ca_bundle=section.ca_bundle,
        fence=fence,
        limits=limits_for(config, platform),
    )
