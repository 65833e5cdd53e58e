"""The audit over HTTP: notes what changes something or is refused, and shows it to admins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.access import audit_topic
from ticketing.access.audit_topic import LIMIT_DEFAULT, LIMIT_MAX, Page
from ticketing.api.described import Parameter, described, page_of
from ticketing.api.door import DOOR, NOTED, PARTS, PRINCIPAL, SUBJECTS
from ticketing.api.parameters import (
    CURSOR,
    FROM,
    TO,
    limit_of,
    limit_parameter,
    member_of,
    parsed_time,
    require_known,
)
from ticketing.api.problems import Invalid, Problem
from ticketing.api.rules import SAFE_METHODS
from ticketing.api.shapes import choice, or_null, record
from ticketing.domain.access.audit import UNKNOWN, Entry, Outcome, Wanted, entry_of, outcome_of
from ticketing.kafka.runtime import Runtime
from ticketing.view.times import iso

QUERY = (
    Parameter("who", "the name, whole"),
    Parameter("incident", "the id of an incident, or another subject"),
    Parameter("outcome", "how it ended", choice([one.value for one in Outcome])),
    FROM,
    TO,
    limit_parameter(LIMIT_DEFAULT, LIMIT_MAX),
    CURSOR,
)
NAMES = tuple(one.name for one in QUERY)
ENTRY = record(
    {
        "at": "time",
        "who": "text or null",
        "role": "text",
        "kind": "text",
        "address": "text or null",
        "route": "text",
        "outcome": "text",
        "status": or_null({"type": "integer"}),
        "subjects": "list of text",
    },
    title="Audit entry",
)
NAMED_BY = ("id", "name")
"""The parts of a path that name the subject of a request."""


class AuditReader(Protocol):
    """Reads the audit; raises Unavailable."""

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """A page of entries, newest first; raises ValueError for a bad cursor."""


class KafkaAudit:
    """The audit in Kafka. Requests take turns, since each reads a topic."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turn = asyncio.Lock()

    async def page(self, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """A page of entries, newest first."""
        async with self._turn:
            return await asyncio.to_thread(audit_topic.page, self._runtime, wanted, limit, cursor)


READER: web.AppKey[AuditReader] = web.AppKey("audit", AuditReader)


@web.middleware
async def audited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note a request that changed something, or that was refused to its sender."""
    response = await handler(request)
    audit = request.config_dict[DOOR].audit
    if audit is not None and _is_noted(request, response.status):
        parts = request.get(PARTS) or {response.status: _subjects(request)}
        for status, subjects in parts.items():
            audit.write(_entry(request, status, subjects))
    return response


def _is_noted(request: web.Request, status: int) -> bool:
    if PRINCIPAL not in request or NOTED in request:
        return NOTED in request
    return request.method not in SAFE_METHODS or outcome_of(status) is Outcome.REFUSED


def _subjects(request: web.Request) -> list[str]:
    if SUBJECTS in request:
        return request[SUBJECTS]
    given = request.match_info
    return [given[name] for name in NAMED_BY if name in given]


def _entry(request: web.Request, status: int, subjects: Sequence[str]) -> Entry:
    resource = request.match_info.route.resource
    path = request.path if resource is None else resource.canonical
    return entry_of(
        request.get(PRINCIPAL, UNKNOWN),
        at=time.time(),
        route=f"{request.method} {path}",
        address=request.config_dict[DOOR].address(request),
        status=status,
        subjects=subjects,
    )


@described(page_of(ENTRY), query=QUERY)
async def list_audit(request: web.Request) -> web.Response:
    """GET /api/v1/audit: what was done and what was refused, newest first.

    The Link header has the next page.
    """
    given = request.query
    require_known(given, NAMES)
    since, until = given.get("from"), given.get("to")
    outcome = given.get("outcome", "")
    if outcome:
        member_of(Outcome, "outcome", outcome)
    wanted = Wanted(
        who=given.get("who", ""),
        incident=given.get("incident", ""),
        outcome=outcome,
        since=parsed_time("from", since) if since else None,
        until=parsed_time("to", until) if until else None,
    )
    limit = limit_of(given, LIMIT_DEFAULT, LIMIT_MAX)
    reader = request.config_dict.get(READER)
    if reader is None:
        raise Problem(501, "This process can't read the audit.")
    try:
        page = await reader.page(wanted, limit, given.get("cursor") or None)
    except ValueError as error:
        raise Invalid("cursor", str(error)) from None
    response = web.json_response([_document(entry) for entry in page.entries])
    if page.following is not None:
        url = request.rel_url.update_query(cursor=page.following)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "at": iso(entry.at),
        "who": entry.who or None,
        "role": entry.role.value,
        "kind": entry.kind.value,
        "address": entry.address or None,
        "route": entry.route,
        "outcome": entry.outcome.value,
        "status": entry.status or None,
        "subjects": entry.subjects,
    }
