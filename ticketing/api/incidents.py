"""Incidents over HTTP: the list by page, and a single incident."""

from __future__ import annotations

from aiohttp import web

from ticketing.api.parameters import INCIDENT_ID, incident_query
from ticketing.api.services import services
from ticketing.errors import NotFound


async def list_incidents(request: web.Request) -> web.Response:
    """GET /api/incidents: newest first; the Link header has the next page."""
    query = incident_query(request)
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
    id = request.match_info["id"]
    document = await services(request).store.get(id) if INCIDENT_ID.fullmatch(id) else None
    if document is None:
        raise unknown(id)
    return web.Response(body=document, content_type="application/json")


def unknown(id: str) -> NotFound:
    """The error for an id without an incident."""
    return NotFound(f"There is no incident {id[:100]}.")
