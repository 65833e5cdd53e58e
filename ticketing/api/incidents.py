"""Incidents and alerts over HTTP: the lists by page, and a single incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from ticketing.api.described import described, ok, page_of
from ticketing.api.door import principal_of
from ticketing.api.parameters import (
    ALERT_QUERY,
    INCIDENT_ID,
    INCIDENT_QUERY,
    PART_QUERY,
    alert_query,
    incident_query,
    part_query,
)
from ticketing.api.services import services
from ticketing.api.shapes import ALERT, ALERTS, INCIDENT, LISTED, TIMELINE, listing, record
from ticketing.domain.access.principal import Principal
from ticketing.errors import NotFound
from ticketing.view.query import (
    AlertQuery,
    Place,
    Query,
    encode_cursor,
    milliseconds,
    parse_time,
)
from ticketing.view.tokens import folded


class _Timeline(msgspec.Struct):
    """The list in an incident's document that has a route of its own."""

    timeline: msgspec.Raw = msgspec.Raw(b"[]")


_with_timeline = msgspec.json.Decoder(_Timeline)
SIMILAR = record(
    {
        **dict.fromkeys(("id", "title", "service", "severity"), "text"),
        "likeness": "number, 0 to 1",
        "createdAt": "time",
        "resolvedAt": "time or null",
        "seconds": "number or null",
        **dict.fromkeys(("resolution", "rootCause"), "text or null"),
        "notes": listing(record({"at": "time", "by": "text", "text": "text"})),
    },
    title="Similar incident",
)


@described(page_of(LISTED), query=INCIDENT_QUERY)
async def list_incidents(request: web.Request) -> web.Response:
    """GET /api/incidents: the incidents, newest first; the Link header has the next page."""
    return await _page(request, incident_query(request))


@described(page_of(ALERT), query=ALERT_QUERY)
async def list_alerts(request: web.Request) -> web.Response:
    """GET /api/v1/alerts: the alerts, latest episode first; the Link header has the next page."""
    return await _page(request, alert_query(request))


async def _page(request: web.Request, query: Query | AlertQuery) -> web.Response:
    tenants = principal_of(request).within(query.tenants)
    if tenants is None:
        return web.json_response([])
    page = await services(request).store.page(replace(query, tenants=tenants))
    response = web.Response(
        body=b"[" + b",".join(page.documents) + b"]", content_type="application/json"
    )
    if page.after is not None:
        _link(request, response, page.after)
    return response


def _link(request: web.Request, response: web.Response, cursor: str) -> None:
    following = request.rel_url.update_query(cursor=cursor)
    response.headers["Link"] = f'<{following}>; rel="next"'


@described(ok("the incident", INCIDENT))
async def get_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id: the whole incident."""
    return web.Response(body=await document_of(request), content_type="application/json")


@described(page_of(ALERTS["items"]), query=PART_QUERY)
async def alerts_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/alerts: the alerts of an incident, earliest first, by page."""
    query = part_query(request)
    found = sorted(msgspec.json.decode(await document_of(request))["alerts"], key=_place)
    shown = [alert for alert in found if _is_wanted(alert, query)]
    if query.after is not None:
        shown = [alert for alert in shown if _place(alert) > query.after]
    page = shown[: query.limit]
    response = web.json_response(page)
    if len(shown) > len(page):
        _link(request, response, encode_cursor(_place(page[-1])))
    return response


def _place(alert: Mapping[str, Any]) -> Place:
    """The place of an alert among those of its incident, by its beginning."""
    return Place(float(milliseconds(parse_time(alert["firstSeen"]))), alert["fingerprint"])


def _is_wanted(alert: Mapping[str, Any], query: AlertQuery) -> bool:
    """True for an alert of an incident that passes the filters on its fields."""
    text = folded("\n".join([alert["fingerprint"], alert["title"], alert["service"]]))
    return (
        (not query.states or alert["state"] in query.states)
        and (not query.severities or alert["severity"] in query.severities)
        and (not query.services or alert["service"] in query.services)
        and all(word in text for word in folded(query.search).split())
    )


@described(ok("the steps; `leftOut.steps` of the incident says how many went", TIMELINE))
async def timeline_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/timeline: what happened to an incident, earliest first."""
    found = _with_timeline.decode(await document_of(request))
    return web.Response(body=bytes(found.timeline), content_type="application/json")


@described(ok("five at most, best first", listing(SIMILAR)))
async def similar_to(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/similar: resolved incidents that are like it, and how they ended."""
    document = await document_of(request)
    return web.json_response(await services(request).store.similar(document))


async def document_of(request: web.Request) -> bytes:
    """The document that a request names, as its sender may see it; raises NotFound."""
    id = request.match_info["id"]
    document = await services(request).store.get(id) if INCIDENT_ID.fullmatch(id) else None
    principal = principal_of(request)
    shown = None if document is None else document_for(document, principal)
    if shown is None:
        raise unknown(id)
    return shown


def document_for(document: bytes, principal: Principal) -> bytes | None:
    """The document of an incident without what is of other tenants; None if all of it is."""
    if principal.tenants is None:
        return document
    shown = msgspec.json.decode(document)
    if not principal.sees(shown.get("tenantId", "")):
        return None
    shown["lists"] = [one for one in shown.get("lists", ()) if principal.sees(one["tenantId"])]
    # The same list in words.
    shown["facts"] = [fact for fact in shown.get("facts", ()) if fact["name"] != "lists"]
    correlation = (shown.get("trace") or {}).get("correlation")
    if correlation:
        # How many others a fault hits is theirs to know.
        correlation["blastRadius"]["tenants"] = None
    return msgspec.json.encode(shown)


def unknown(id: str) -> NotFound:
    """The error for an id without an incident."""
    return NotFound(f"There is no incident {id[:100]}.")
