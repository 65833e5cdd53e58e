"""The web application: routes and middlewares."""

from __future__ import annotations

from aiohttp import web

from ticketing.api import files, incidents, operations, slack, stats
from ticketing.api.audit import READER, AuditReader, audited, list_audit
from ticketing.api.commands import ROLES, batch, command_handler
from ticketing.api.dead_letters import get_dead_letter, list_dead_letters, redrive
from ticketing.api.door import Door, admission, keep_door, provider_of
from ticketing.api.events import events, feed_for
from ticketing.api.health import DESK as HEALTH
from ticketing.api.health import HealthDesk, installation_health
from ticketing.api.me import me
from ticketing.api.postmortem import postmortem
from ticketing.api.problems import counted, problems
from ticketing.api.retries import retry
from ticketing.api.rules import (
    ADMIN,
    OPEN,
    RESPONDER,
    RESPONDER_OF_ALL,
    VIEWER,
    VIEWER_OF_ALL,
    Route,
    Rule,
    add_routes,
    get,
    post,
)
from ticketing.api.security import PREFIX, SLACK_PATH, guard, safe_headers
from ticketing.api.services import (
    SERVICES,
    STATUS,
    Balance,
    Checks,
    Commands,
    DeadLetters,
    Fleet,
    Readiness,
    Services,
    WorkerStatus,
)
from ticketing.api.sessions import PROVIDER, session_routes
from ticketing.api.tokens import DESK, TokenDesk, token_routes
from ticketing.config import Config
from ticketing.domain.events import Action
from ticketing.view.store import ViewStore

BODY_BYTES_MAX = 128 * 1024
"""Well above the largest body, a batch of the most ids with a full note."""
COMMAND_SECONDS_MAX = 10.0
"""Covers a slow broker and most rebalances; ends before the usual timeouts of proxies."""


def create_app(
    config: Config,
    store: ViewStore,
    commands: Commands,
    readiness: Readiness,
    checks: Checks | None = None,
    dead_letters: DeadLetters | None = None,
    *,
    balance: Balance | None = None,
    fleet: Fleet | None = None,
    door: Door | None = None,
    desk: TokenDesk | None = None,
    audit: AuditReader | None = None,
    command_seconds_max: float = COMMAND_SECONDS_MAX,
) -> web.Application:
    """The API and the console, at the root and under `/api/ticketing`."""
    app = web.Application(
        middlewares=[counted, safe_headers, audited, problems, guard, admission],
        client_max_size=BODY_BYTES_MAX,
    )
    app[STATUS] = WorkerStatus(config, readiness)
    app[SERVICES] = Services(
        config, store, commands, checks, dead_letters, balance, command_seconds_max
    )
    app[HEALTH] = HealthDesk(config, store, fleet, balance)
    keep_door(app, door or Door(config))
    if desk is not None:
        app[DESK] = desk
    if audit is not None:
        app[READER] = audit
    provider = provider_of(config)
    if provider is not None:
        app[PROVIDER] = provider
    app[files.ASSETS] = files.load()
    feed_for(app)
    add_routes(app, _routes(), ("", PREFIX))
    return app


def _routes() -> list[Route]:
    """Every route of the API and the console, with its rule."""
    one = "/api/incidents/{id}"
    letter = "/api/v1/dead-letters/{id}"
    actions = [
        post(f"{one}/{action.value}", command_handler(action), Rule(ROLES[action]))
        for action in Action
    ]
    return [
        get("/", files.page, OPEN),
        get("/console/{name}", files.file, OPEN),
        *operations.status_routes(),
        get("/api/v1/me", me, VIEWER),
        *session_routes(),
        *token_routes(),
        get("/api/v1/audit", list_audit, ADMIN),
        get("/api/incidents", incidents.list_incidents, VIEWER),
        get(one, incidents.get_incident, VIEWER),
        get(f"{one}/alerts", incidents.alerts_of_incident, VIEWER),
        get(f"{one}/similar", incidents.similar_to, VIEWER),
        *actions,
        post(f"{one}/retry", retry, RESPONDER),
        get("/api/v1/incidents/{id}/postmortem", postmortem, VIEWER),
        get("/api/stats", stats.stats, VIEWER),
        get("/api/v1/metrics/mttr", stats.mttr, VIEWER),
        get("/api/v1/alerts", incidents.list_alerts, VIEWER),
        post("/api/v1/incidents/batch", batch, RESPONDER),
        # Slack sends no token: the handler verifies its signature instead.
        post(SLACK_PATH, slack.interactions, OPEN),
        get("/api/v1/events", events, VIEWER),
        get("/api/v1/health", installation_health, VIEWER),
        get("/api/v1/totals", operations.totals, VIEWER),
        get("/api/v1/dead-letters", list_dead_letters, VIEWER_OF_ALL),
        get(letter, get_dead_letter, VIEWER_OF_ALL),
        post(f"{letter}/redrive", redrive, RESPONDER_OF_ALL),
        # PATCH /api/v1/config/{platforms,routing,anomaly,llm} goes here once changes are
        # persistent.
        get("/api/v1/config", operations.get_config, VIEWER_OF_ALL),
        get("/api/v1/platforms", operations.list_platforms, VIEWER),
        post("/api/v1/test-connection", operations.test_connection, ADMIN),
        post("/api/v1/test-llm", operations.test_llm, ADMIN),
        get("/api/v1/llm-status", operations.llm_status, VIEWER_OF_ALL),
    ]
