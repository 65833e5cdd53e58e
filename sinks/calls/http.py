"""The HTTP client of all platforms: sends a request and classifies its outcome.

A platform gets a good answer or `Failed` and decides nothing about retries. No error holds an
address, a header or a secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from sinks.calls import retry_after
from sinks.calls.decoding import Undecodable, decoded
from sinks.calls.limits import Limits, limits_for
from sinks.calls.outcome import Failed, Reason, RetryAfter, Unknown
from sinks.calls.statuses import TOO_MANY_REQUESTS, classify
from sinks.calls.transport import Network, Transport
from ticketing.config import Config
from ticketing.log import Redactor

DETAIL_CHARS_MAX = 300
"""A few sentences of a vendor's error, in a message that is one line in the log and console."""
EXCERPT_BYTES_MAX = 4000
"""Read from an answer for its excerpt; more than `DETAIL_CHARS_MAX`, since white space is folded."""
REQUEST_CHARS_MAX = 16_000
"""Keeps a usual request whole in a dead letter, far below the size that Kafka takes."""
ACCEPTED = 202
"""The status of a request that was put into a queue."""
ACCEPTED_SECONDS = 60.0
"""The wait before an accepted request is looked for: ServiceNow, which queues requests so, ends any
that takes longer (its default quota of a REST transaction)."""
PATIENCE_SECONDS = 1.0
"""The longest wait of a request for room under the rate limit. Longer, and the request would hold a
place in the runner that another account could use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer with a status of 2xx. `data` is its JSON, or None."""

    status: int
    body: bytes
    data: Any = None


class Http:
    """The client of one platform, over a transport.

    `secrets` are masked wherever a request or answer is quoted.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        secrets: Iterable[str] = (),
        fence: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._fence = fence
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self.redact = Redactor(secrets)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()
        if self._limits is not None:
            await self._limits.disconnect()

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
        accepted: bool = False,
        account: str = "",
        yields: bool = False,
    ) -> Answer:
        """Send one request; raises Failed. With `text` the answer need not be JSON.

        The status 202 means that the request may still be carried out, and so leaves the outcome
        unknown. With `accepted` it is the platform's way to answer, and good.

        `body` is sent as JSON, `form` as a form; only one of them can be given. `account`, by which
        the platform counts our requests, is a reference and never a secret. If the account has no
        room for a request, nothing is sent and the outcome is RetryAfter. A request that `yields`
        leaves half of the account's rate to others, and does not wait for room.
        """
        payload, kept = _payload(body, form)
        await self._wait_for_room(account, yields)
        self._fence()
        try:
            reply = await self._transport.exchange(
                method, url, payload=payload, headers={**kept, **(headers or {})}, params=params
            )
            self._respect_pauses(reply.headers, reply.status, account)
            if not 200 <= reply.status < 300:
                seconds = retry_after.asked_for(reply.headers, self._clock())
                detail = f"HTTP {reply.status} {self.excerpt(reply.body)}".strip()
                failure = classify(reply.status, seconds, detail, "")
                raise Failed(failure, status=reply.status, body=reply.body)
            if reply.status == ACCEPTED and not accepted:
                detail = "accepted, and not done yet"
                raise Failed(Unknown(Reason.TIMEOUT, False, ACCEPTED_SECONDS, detail))
            return Answer(reply.status, reply.body, None if text else _json(reply.body))
        except Failed as failed:
            request = f"{method} {self.redact(url)}\n{self.quote(payload)}".strip()
            failed.outcome = msgspec.structs.replace(failed.outcome, request=request)
            raise

    async def _wait_for_room(self, account: str, yields: bool) -> None:
        if self._limits is None:
            return
        patience = 0.0 if yields else PATIENCE_SECONDS
        while (seconds := await self._limits.take(account, yields=yields)) > 0:
            if seconds > patience:
                detail = "the rate limit leaves no room"
                raise Failed(RetryAfter(Reason.NO_ROOM, seconds, detail))
            patience -= seconds
            await self._sleep(seconds)

    def _respect_pauses(self, headers: Mapping[str, str], status: int, account: str) -> None:
        """Close the account for as long as the answer asks for."""
        now = self._clock()
        limited = status == TOO_MANY_REQUESTS
        seconds = (retry_after.asked_for if limited else retry_after.used_up)(headers, now)
        if self._limits is not None and seconds is not None:
            self._limits.close(account, seconds)

    def quote(self, payload: bytes | None) -> str:
        """A request's body for the dead letters, without secrets."""
        # Twice the length, since masking shortens secrets.
        return self.redact((payload or b"").decode()[: 2 * REQUEST_CHARS_MAX])[:REQUEST_CHARS_MAX]

    def excerpt(self, raw: bytes) -> str:
        """The beginning of an answer for an error message, without secrets, in one line."""
        text = raw[:EXCERPT_BYTES_MAX].decode("utf-8", "replace")
        return " ".join(self.redact(text).split())[:DETAIL_CHARS_MAX]


def _payload(body: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if body is None:
        return None, {}
    return msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"}


def _json(raw: bytes) -> Any:
    try:
        return decoded(raw)
    except Undecodable as error:
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not JSON")) from error


HttpFactory = Callable[[Iterable[str]], Http]
"""Makes the client of one platform, as `http_for` does, given the secrets to mask."""


def http_for(
    config: Config,
    platform: str,
    secrets: Iterable[str],
    *,
    fence: Callable[[], None],
    transport: Transport | None = None,
) -> Http:
    """The client of a platform as configured; `fence` is called right before each request.

    A given `transport` replaces the network and is not bound by the platform's rate limit.
    """
    section = config.platform(platform)
    if transport is not None:
        return Http(transport, secrets=secrets, fence=fence)
    return Http(
        Network(timeout=section.timeout, ca_bundle=section.ca_bundle),
        secrets=secrets,
        fence=fence,
        limits=limits_for(config, platform),
    )
