"""The dead letters over HTTP: list, show, redrive."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
from aiohttp import web

from ticketing.api.described import Parameter, described, ok, page_of, refused
from ticketing.api.door import principal_of
from ticketing.api.parameters import (
    CURSOR,
    Body,
    by_field,
    json_object,
    limit_of,
    limit_parameter,
    require_known,
)
from ticketing.api.problems import Invalid, Problem
from ticketing.api.services import DeadLetters, services
from ticketing.api.shapes import Schema, or_null, record, request_body
from ticketing.dead_letters import reading
from ticketing.dead_letters.reading import DELIVERY, LIMIT_DEFAULT, LIMIT_MAX, Entry, Page, Wanted
from ticketing.dead_letters.redrive import Redriven, Redriver
from ticketing.domain.access.principal import NAME_CHARS_MAX
from ticketing.kafka.runtime import Runtime
from ticketing.privacy import Scrubber, for_view
from ticketing.view.times import iso

QUERY = (
    Parameter("reason", "a reason, such as `no_service`"),
    Parameter("stage", "`detection`, `incidents`, `delivery` or another"),
    Parameter("platform", "deliveries to this platform"),
    limit_parameter(LIMIT_DEFAULT, LIMIT_MAX),
    CURSOR,
)
NAMES = tuple(one.name for one in QUERY)
_REDRIVEN: dict[str, str | Schema] = {"redrivenAt": "time", "by": "text", "to": "text"}
_FIELDS: dict[str, str | Schema] = {
    "id": "text",
    "at": "time",
    "stage": "text",
    "reason": "text",
    "detail": "text",
    "topic": "text or null",
    "partition": or_null({"type": "integer"}),
    "offset": or_null({"type": "integer"}),
    "key": "text or null",
    "size": "number of bytes",
    "whole": "yes/no",
    "platform": "text or null",
    "incidentId": "text or null",
}
_HELD: dict[str, str | Schema] = {
    "request": "text or null",
    "value": "text or null",
    "valueBase64": "text",
    "redriven": or_null(record(_REDRIVEN)),
}
LETTER = record(_FIELDS, title="Dead letter")
WHOLE_LETTER = record(
    {**_FIELDS, **_HELD},
    optional=("request", "value", "valueBase64"),
    title="Whole dead letter",
)


class KafkaDeadLetters:
    """The dead letters in Kafka. Requests take turns, since each reads a topic."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turn = asyncio.Lock()

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """A page of letters, newest first."""
        async with self._turn:
            return await asyncio.to_thread(reading.page, self._runtime, wanted, limit, cursor)

    async def get(self, id: str) -> tuple[Entry, Redriven | None]:
        """A letter, and its redrive if any."""
        async with self._turn:
            return await asyncio.to_thread(self._get, id)

    async def redrive(self, id: str, by: str) -> Redriven:
        """Redrive a letter."""
        async with self._turn:
            return await asyncio.to_thread(self._redrive, id, by)

    async def retry(self, incident_id: str, platform: str, by: str) -> str:
        """Let a platform try the ticket of an incident again."""
        async with self._turn:
            return await asyncio.to_thread(self._retry, incident_id, platform, by)

    def _get(self, id: str) -> tuple[Entry, Redriven | None]:
        entry = reading.get(self._runtime, id)
        with Redriver(self._runtime) as redriver:
            return entry, redriver.done(id)

    def _redrive(self, id: str, by: str) -> Redriven:
        with Redriver(self._runtime) as redriver:
            return redriver.redrive(id, by)

    def _retry(self, incident_id: str, platform: str, by: str) -> str:
        with Redriver(self._runtime) as redriver:
            return redriver.retry(incident_id, platform, by)


@described(page_of(LETTER), query=QUERY)
async def list_dead_letters(request: web.Request) -> web.Response:
    """GET /api/v1/dead-letters: what could not be handled, newest first.

    The Link header has the next page.
    """
    given = request.query
    require_known(given, NAMES)
    wanted = Wanted(**{name: given.get(name, "") for name in ("reason", "stage", "platform")})
    limit = limit_of(given, LIMIT_DEFAULT, LIMIT_MAX)
    try:
        page = await dead_letters_of(request).page(wanted, limit, given.get("cursor") or None)
    except ValueError as error:
        raise Invalid("cursor", str(error)) from None
    scrub = for_view(services(request).config)
    response = web.json_response([_document(entry, scrub) for entry in page.entries])
    if page.following is not None:
        url = request.rel_url.update_query(cursor=page.following)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


@described(ok("the letter", WHOLE_LETTER))
async def get_dead_letter(request: web.Request) -> web.Response:
    """GET /api/v1/dead-letters/:id: the letter with its record or request."""
    entry, redriven = await dead_letters_of(request).get(request.match_info["id"])
    done = {"redriven": None if redriven is None else _redriven(redriven)}
    scrub = for_view(services(request).config)
    return web.json_response({**_document(entry, scrub), **_content(entry, scrub), **done})


@described(
    ok("in Kafka again", record({"id": "text", "status": "text", **_REDRIVEN})),
    refused(409, "redriven before, under way, or its platform is not enabled; see `currentStatus`"),
    refused(422, "the letter holds only a part of the record"),
    body=request_body({"by": by_field()}, optional=("by",)),
)
async def redrive(request: web.Request) -> web.Response:
    """POST /api/v1/dead-letters/:id/redrive: try a letter again, once; 409 if redriven before."""
    body = Body(await json_object(request))
    by = principal_of(request).signed(body.text("by", chars_max=NAME_CHARS_MAX))
    body.done()
    done = await dead_letters_of(request).redrive(request.match_info["id"], by)
    return web.json_response({"id": done.id, "status": "redriven", **_redriven(done)})


def dead_letters_of(request: web.Request) -> DeadLetters:
    """The dead letters, as this process reaches them; raises Problem where it does not."""
    found = services(request).dead_letters
    if found is None:
        raise Problem(501, "This process can't read the dead letters.")
    return found


def _document(entry: Entry, scrub: Scrubber | None) -> dict[str, Any]:
    """A letter. An error's text may quote the record, and its key is anybody's."""
    letter = entry.letter
    if scrub is not None:
        key = None if letter.key is None else scrub(letter.key)
        letter = msgspec.structs.replace(letter, detail=scrub(letter.detail), key=key)
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.topic or None,
        "partition": letter.partition if letter.topic else None,
        "offset": letter.offset if letter.topic else None,
        "key": letter.key,
        "size": letter.size,
        "whole": letter.whole,
        "platform": letter.platform or None,
        "incidentId": letter.incident_id or None,
    }


def _content(entry: Entry, scrub: Scrubber | None) -> dict[str, Any]:
    value = entry.letter.value
    if value is not None and scrub is not None:
        value = scrub(value.decode("utf-8", "replace")).encode()
    if entry.letter.stage == DELIVERY:
        return {"request": None if value is None else value.decode("utf-8", "replace")}
    if value is None:
        return {"value": None}
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"valueBase64": base64.b64encode(value).decode()}


def _redriven(done: Redriven) -> dict[str, Any]:
    return {"redrivenAt": iso(done.at), "by": done.by, "to": done.to}
