"""The operators' routes: health, readiness, metrics, totals, settings and connection tests."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiohttp import web

from ticketing import metrics
from ticketing.api.door import principal_of
from ticketing.api.health import DESK
from ticketing.api.parameters import Body, json_object
from ticketing.api.problems import Invalid, Problem, unavailable
from ticketing.api.rules import OPEN, VIEWER_OF_ALL, Route, get
from ticketing.api.services import Checks, services, status
from ticketing.config import PLATFORMS, in_effect


def status_routes() -> list[Route]:
    """The routes of every worker, with or without the API."""
    return [
        get("/health", health, OPEN),
        get("/ready", ready, OPEN),
        get("/metrics", metrics_text, VIEWER_OF_ALL),
    ]


async def health(request: web.Request) -> web.Response:
    """GET /health: the process is alive and answers."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """GET /ready: 503 with reasons until every app has its tables and partitions."""
    found = status(request).readiness()
    reasons = await found if inspect.isawaitable(found) else found
    if reasons:
        problem = unavailable("; ".join(reasons), retry_after=1, reasons=reasons)
        return problem.response()
    return web.json_response({"status": "ready"})


async def metrics_text(request: web.Request) -> web.Response:
    """GET /metrics: Prometheus's text, summed over the worker's processes."""
    text = await asyncio.to_thread(status(request).render)
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


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


async def get_config(request: web.Request) -> web.Response:
    """GET /api/v1/config: all settings in effect, secrets as `****`."""
    return web.json_response(in_effect(services(request).config))


async def list_platforms(request: web.Request) -> web.Response:
    """GET /api/v1/platforms: `{name, title, enabled}` of every platform, as the console shows them.

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


async def test_connection(request: web.Request) -> web.Response:
    """POST /api/v1/test-connection {platform}: test a platform's address and credentials."""
    body = Body(await json_object(request))
    platform = body.text("platform", required=True)
    body.done()
    if platform not in PLATFORMS:
        message = f"must be one of {', '.join(PLATFORMS)}"
        raise Invalid("platform", message, allowed=list(PLATFORMS))
    return web.json_response(await _checks(request).test_connection(platform))


async def test_llm(request: web.Request) -> web.Response:
    """POST /api/v1/test-llm: ask the language model a short question."""
    Body(await json_object(request)).done()
    return web.json_response(await _checks(request).test_llm())


async def llm_status(request: web.Request) -> web.Response:
    """GET /api/v1/llm-status: calls, failures, cost and circuit of the language models."""
    return web.json_response(await _checks(request).llm_status())


def _checks(request: web.Request) -> Checks:
    checks: Any = services(request).checks
    if checks is None:
        raise Problem(501, "This process can't test connections.")
    found: Checks = checks
    return found
