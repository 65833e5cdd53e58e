"""Incidents and alerts over HTTP: the lists by page, and a single incident."""

from __future__ import annotations

import msgspec
from aiohttp import web

from ticketing.api.parameters import INCIDENT_ID, alert_query, incident_query
from ticketing.api.services import services
from ticketing.errors import NotFound
from ticketing.view.query import Paged


class _WithAlerts(msgspec.Struct):
    """The part of an incident's document that lists its alerts."""

    alerts: msgspec.Raw = msgspec.Raw(b"[]")


_with_alerts = msgspec.json.Decoder(_WithAlerts)


async def list_incidents(request: web.Request) -> web.Response:
    """GET /api/incidents: newest first; the Link header has the next page."""
    return await _page(request, incident_query(request))


async def list_alerts(request: web.Request) -> web.Response:
    """GET /api/v1/alerts: latest episode first; the Link header has the next page."""
    return await _page(request, alert_query(request))


async def _page(request: web.Request, query: Paged) -> web.Response:
    page = await services(request).store.page(query)
    response = web.Response(
        body=b"[" + b",".join(page.documents) + b"]", content_type="application/json"
    )
    if page.after is not None:
        following = request.rel_url.update_query(cursor=page.after)
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


async def get_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id: the whole incident."""
    return web.Response(body=await _document(request), content_type="application/json")


async def alerts_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/alerts: the alerts of an incident, earliest first."""
    found = _with_alerts.decode(await _document(request))
    return web.Response(body=bytes(found.alerts), content_type="application/json")


async def _document(request: web.Request) -> bytes:
    id = request.match_info["id"]
    document = await services(request).store.get(id) if INCIDENT_ID.fullmatch(id) else None
    if document is None:
        raise unknown(id)
    return document


def unknown(id: str) -> NotFound:
    """The error for an id without an incident."""
    return NotFound(f"There is no incident {id[:100]}.")
