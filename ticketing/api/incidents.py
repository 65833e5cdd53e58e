"""Incidents and alerts over HTTP: the lists by page, and a single incident."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiohttp import web

from ticketing.api.door import principal_of
from ticketing.api.parameters import INCIDENT_ID, alert_query, incident_query
from ticketing.api.services import services
from ticketing.domain.access.principal import Principal
from ticketing.errors import NotFound
from ticketing.view.query import AlertQuery, Query


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


async def get_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id: the whole incident."""
    return web.Response(body=await document_of(request), content_type="application/json")


async def alerts_of_incident(request: web.Request) -> web.Response:
    """GET /api/incidents/:id/alerts: the alerts of an incident, earliest first."""
    found = _with_alerts.decode(await document_of(request))
    return web.Response(body=bytes(found.alerts), content_type="application/json")


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
