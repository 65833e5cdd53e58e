"""Incidents and alerts over HTTP: the lists by page, and a single incident."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiohttp import web

from ticketing.api.described import described, ok, page_of
from ticketing.api.door import principal_of
from ticketing.api.parameters import (
    ALERT_QUERY,
    INCIDENT_ID,
    INCIDENT_QUERY,
    alert_query,
    incident_query,
)
from ticketing.api.services import services
from ticketing.api.shapes import ALERT, ALERTS, INCIDENT, LISTED, TIMELINE
from ticketing.domain.access.principal import Principal
from ticketing.errors import NotFound
from ticketing.view.query import AlertQuery, Query


class _Lists(msgspec.Struct):
    """The lists in an incident's document that have a route of their own."""

    alerts: msgspec.Raw = msgspec.Raw(b"[]")
    timeline: msgspec.Raw = msgspec.Raw(b"[]")


_lists = msgspec.json.Decoder(_Lists)


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
        following = request.rel_url.update_query(cursor=page.after)
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


@described(ok("the incident", INCIDENT))
async def get_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id: the whole incident."""
    return web.Response(body=await _document(request), content_type="application/json")


@described(ok("20 at most; `alertsTotal` of the incident says how many there are", ALERTS))
async def alerts_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/alerts: the alerts of an incident, earliest first."""
    found = _lists.decode(await _document(request))
    return web.Response(body=bytes(found.alerts), content_type="application/json")


@described(ok("the steps; `leftOut.steps` of the incident says how many went", TIMELINE))
async def timeline_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/timeline: what happened to an incident, earliest first."""
    found = _lists.decode(await _document(request))
    return web.Response(body=bytes(found.timeline), content_type="application/json")


async def _document(request: web.Request) -> bytes:
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
    return msgspec.json.encode(shown)


def unknown(id: str) -> NotFound:
    """The error for an id without an incident."""
    return NotFound(f"There is no incident {id[:100]}.")
