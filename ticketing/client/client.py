"""Lists, shows and follows incidents over the HTTP API, and acts on them.

    async with Client("http://127.0.0.1:8080", token) as client:
        async for incident in client.incidents(status="open"):
            await client.act(incident["id"], "acknowledge", note="on it")

Bodies are those of docs/api.md. A command is repeated under its `Idempotency-Key` while nobody knows
whether it arrived, so it is applied once; one that did is waited for.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from ticketing import outgoing
from ticketing.client.stream import Event, Parser
from ticketing.errors import TicketingError, Unavailable

ANSWER_SECONDS_MAX = 30.0
"""Longer than the API waits for Kafka and for an outcome, 10 seconds each."""
TRIES_MAX = 4
"""Covers a restart of the API and most rebalances, with the pauses that the API asks for."""
PAUSE_SECONDS = 1.0
"""Before another try, where the API names no time."""
PAUSE_SECONDS_MAX = 10.0
"""The longest that the API asks for; somebody waits for the answer."""
SILENCE_SECONDS_MAX = 45.0
"""Three comments of a stream: a connection that is silent for longer is gone."""
OUTCOME_LOOKS_MAX = 60
"""For the outcome of a command that Kafka holds, a pause each: longer than most rebalances."""


class Refused(TicketingError):
    """The API refused a request; `problem` is its answer, with `field` or `currentStatus`."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        super().__init__(str(problem.get("detail") or f"the API answered {status}"))


class Client:
    """A client of one API; use it in an `async with`. Methods raise Refused and Unavailable."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`pause` waits so many seconds before another try."""
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pause = pause
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=limit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def incidents(
        self, at_most: int | None = None, **filters: str
    ) -> AsyncIterator[dict[str, Any]]:
        """The incidents of the list, page by page; `at_most` so many, None for all."""
        url: str | None = f"{self._address}/api/incidents"
        params: Mapping[str, str] | None = filters
        left = at_most
        while url is not None and left != 0:
            _, found, headers = await self._request("GET", url, params=params)
            for incident in found[:left]:
                yield incident
            left = None if left is None else max(0, left - len(found))
            url, params = _following(url, headers), None

    async def incident(self, id: str) -> dict[str, Any]:
        """The whole incident."""
        _, found, _ = await self._request("GET", f"{self._of(id)}")
        return dict(found)

    async def act(
        self, id: str, action: str, key: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Do an action on an incident, and return the answer once it is applied.

        `fields` are those of the request. Raises Unavailable with the key if the outcome stays unknown.
        """
        key = key or f"client-{secrets.token_hex(12)}"
        url = f"{self._of(id)}/{quote(action, safe='')}"
        options = {"json": fields, "headers": {"Idempotency-Key": key}}
        try:
            status, found, _ = await self._request("POST", url, **options)
            if status == 202:
                await self._decided(id, key)
                if action == "delete" and await self._is_gone(id):
                    return {"id": id, "status": "deleted"}
                status, found, _ = await self._request("POST", url, **options)
        except Unavailable as error:
            raise Unavailable(f"{error}; repeat it with the key {key}") from None
        if status == 202:
            raise Unavailable(f"the outcome is not known yet; repeat it with the key {key}")
        return dict(found)

    async def _decided(self, id: str, key: str) -> None:
        """Wait until the outcome of a command is known, or its incident gone, or for too long."""
        for _ in range(OUTCOME_LOOKS_MAX):
            await self._pause(PAUSE_SECONDS)
            try:
                await self._request("GET", f"{self._of(id)}/commands/{quote(key, safe='')}")
            except Refused as error:
                if error.status != 404:
                    raise
                if not await self._is_gone(id):
                    continue
            return

    async def _is_gone(self, id: str) -> bool:
        try:
            await self.incident(id)
        except Refused as error:
            if error.status == 404:
                return True
            raise
        return False

    async def events(
        self,
        last_event_id: str | None = None,
        interrupted: Callable[[Unavailable], object] = lambda _: None,
    ) -> AsyncIterator[Event]:
        """The stream of events, which goes on after every interruption until it is closed.

        `interrupted` is called with the reason of each.
        """
        url = f"{self._address}/api/v1/events"
        while True:
            wait = PAUSE_SECONDS
            try:
                async for event in self._stream(url, last_event_id):
                    last_event_id = event.id or last_event_id
                    yield event
            except Unavailable as error:
                wait = error.wait
                interrupted(error)
            await self._pause(min(wait, PAUSE_SECONDS_MAX))

    async def _stream(self, url: str, last_event_id: str | None) -> AsyncIterator[Event]:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        limit = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS_MAX)
        parser = Parser()
        try:
            async with self._own.get(
                url, headers=headers, timeout=limit, **outgoing.options(url)
            ) as answer:
                if answer.status != 200:
                    await self._refuse(answer)
                async for piece in answer.content.iter_any():
                    for event in parser.feed(piece):
                        yield event
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise _unanswered(url, error) from None

    async def _refuse(self, answer: aiohttp.ClientResponse) -> None:
        problem = _object(await answer.read())
        if answer.status == 503:
            raise _away(problem, answer.headers)
        raise Refused(answer.status, problem)

    async def _request(
        self, method: str, url: str, **options: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """The status, body and headers of an answer, asked for again while there is none."""
        for _ in range(TRIES_MAX - 1):
            try:
                return await self._ask(method, url, options)
            except Unavailable as error:
                await self._pause(min(error.wait, PAUSE_SECONDS_MAX))
        return await self._ask(method, url, options)

    async def _ask(
        self, method: str, url: str, options: Mapping[str, Any]
    ) -> tuple[int, Any, Mapping[str, str]]:
        try:
            async with self._own.request(method, url, **options, **outgoing.options(url)) as answer:
                raw = await answer.read()
                if answer.status == 503:
                    raise _away(_object(raw), answer.headers)
                if answer.status >= 300:
                    raise Refused(answer.status, _object(raw))
                return answer.status, json.loads(raw), answer.headers
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise _unanswered(url, error) from None

    @property
    def _own(self) -> aiohttp.ClientSession:
        assert self._session is not None, "the client is to be used in an `async with`"
        return self._session

    def _of(self, id: str) -> str:
        return f"{self._address}/api/incidents/{quote(id, safe='')}"


def _following(url: str, headers: Mapping[str, str]) -> str | None:
    """The address of the next page: this one's, with the query that the answer names.

    Its path is the API's own, before which a proxy may have put another; and the token is for this
    address alone.
    """
    link = headers.get("Link", "")
    if 'rel="next"' not in link:
        return None
    query = urlsplit(link[1:].partition(">")[0]).query
    return f"{url.partition('?')[0]}?{query}"


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _away(problem: Mapping[str, Any], headers: Mapping[str, str]) -> Unavailable:
    error = Unavailable(str(problem.get("detail") or "the API is not available"))
    after = headers.get("Retry-After", "")
    error.wait = float(after) if after.isdecimal() else PAUSE_SECONDS
    return error


def _unanswered(url: str, error: Exception) -> Unavailable:
    found = Unavailable(f"no answer of the API from {url} ({type(error).__name__})")
    found.wait = PAUSE_SECONDS
    return found
