"""The operators' routes: health, readiness, metrics, totals and connection tests."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiohttp import web

from ticketing import metrics
from ticketing.api.balance import SHOWN
from ticketing.api.described import described, ok, refused
from ticketing.api.door import principal_of
from ticketing.api.health import DESK
from ticketing.api.parameters import Body, json_object
from ticketing.api.problems import Invalid, Problem, unavailable
from ticketing.api.rules import OPEN, VIEWER_OF_ALL, Route, get
from ticketing.api.services import Checks, services, status
from ticketing.api.shapes import choice, listing, record, shape
from ticketing.config import PLATFORMS
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity

_STATUS = record({"status": "text"})
_CHECK = choice(["ok", "error"])
CHECKED_PLATFORM = record({"status": _CHECK, "platform": "text", "message": "text"})
CHECKED_MODEL = record(
    {"status": _CHECK, "provider": "text", "model": "text or null", "message": "text"}
)
PLATFORM = record({"name": "text", "title": "text", "enabled": "yes/no"}, title="Platform")
TOTALS = record(
    {
        "incidents": "number of incidents",
        "byStatus": record({one.value: "number of incidents" for one in Status}),
        "active": record({one.value: "number of incidents" for one in Severity}),
        **dict.fromkeys(SHOWN, "number of records"),
        "deliveriesPending": "number of tickets",
    },
    # A principal of some tenants hears of neither records nor tickets.
    optional=(*SHOWN, "deliveriesPending"),
    title="Totals",
)
LLM_STATUS = record(
    {
        "provider": "text",
        "model": "text or null",
        "circuit": "text",
        "calls": "number of calls",
        "failures": "number of calls",
        "cost": "number",
        "currency": "text",
        "providers": "list of objects",
        "summaries": "object",
    },
    title="State of the models",
)


def status_routes() -> list[Route]:
    """The routes of every worker, with or without the API."""
    return [
        get("/health", health, OPEN),
        get("/ready", ready, OPEN),
        get("/metrics", metrics_text, VIEWER_OF_ALL),
    ]


@described(ok("alive", _STATUS))
async def health(request: web.Request) -> web.Response:
    """GET /health: the process is alive and answers."""
    return web.json_response({"status": "ok"})


@described(ok("ready", _STATUS), refused(503, "not ready, for `reasons`"))
async def ready(request: web.Request) -> web.Response:
    """GET /ready: every app has its tables and partitions; until then 503 with reasons."""
    found = status(request).readiness()
    reasons = await found if inspect.isawaitable(found) else found
    if reasons:
        problem = unavailable("; ".join(reasons), retry_after=1, reasons=reasons)
        return problem.response()
    return web.json_response({"status": "ready"})


@described(ok("the metrics", shape("text"), content_type="text/plain"))
async def metrics_text(request: web.Request) -> web.Response:
    """GET /metrics: Prometheus's text, summed over the worker's processes."""
    text = await asyncio.to_thread(status(request).render)
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


@described(ok("the numbers", TOTALS))
async def totals(request: web.Request) -> web.Response:
    """GET /api/v1/totals: incidents by status and severity, and how the records add up.

    Over all workers, or without what nobody can tell now. A principal of some tenants gets the
    numbers of their incidents alone.
    """
    tenants = principal_of(request).tenants
    shown = await services(request).store.totals(tenants)
    if tenants is None:
        balance = services(request).balance
        records = None if balance is None else await balance.read()
        pending = await request.config_dict[DESK].pending()
        shown.update({} if records is None else records.shown())
        shown.update({} if pending is None else {"deliveriesPending": pending})
    return web.json_response(shown)


@described(ok("the platforms", listing(PLATFORM)))
async def list_platforms(request: web.Request) -> web.Response:
    """GET /api/v1/platforms: every platform, as the console shows them.

    `title` is the name for people, `name` the name in requests and settings.
    """
    config = services(request).config
    sections = {name: config.platform(name) for name in PLATFORMS}
    return web.json_response(
        [
            {"name": name, "title": section.title, "enabled": section.enabled}
            for name, section in sections.items()
        ]
    )


@described(ok("the result", CHECKED_PLATFORM), body=record({"platform": choice(PLATFORMS)}))
async def test_connection(request: web.Request) -> web.Response:
    """POST /api/v1/test-connection: test a platform's address and credentials."""
    body = Body(await json_object(request))
    platform = body.text("platform", required=True)
    body.done()
    if platform not in PLATFORMS:
        message = f"must be one of {', '.join(PLATFORMS)}"
        raise Invalid("platform", message, allowed=list(PLATFORMS))
    return web.json_response(await _checks(request).test_connection(platform))


@described(ok("the result", CHECKED_MODEL), body=record({}))
async def test_llm(request: web.Request) -> web.Response:
    """POST /api/v1/test-llm: ask the language model a short question."""
    Body(await json_object(request)).done()
    return web.json_response(await _checks(request).test_llm())


@described(ok("the numbers", LLM_STATUS))
async def llm_status(request: web.Request) -> web.Response:
    """GET /api/v1/llm-status: calls, failures, cost and circuit of the language models."""
    return web.json_response(await _checks(request).llm_status())


def _checks(request: web.Request) -> Checks:
    checks: Any = services(request).checks
    if checks is None:
        raise Problem(501, "This process can't test connections.")
    found: Checks = checks
    return found
