"""The web application: routes and middlewares."""

from __future__ import annotations

from aiohttp import web

from ticketing.api import files, incidents, operations, slack
from ticketing.api.commands import batch, command_handler
from ticketing.api.dead_letters import get_dead_letter, list_dead_letters, redrive
from ticketing.api.events import events, feed_for
from ticketing.api.problems import counted, problems
from ticketing.api.security import PREFIX, SLACK_PATH, guard, safe_headers
from ticketing.api.services import (
    SERVICES,
    STATUS,
    Balance,
    Checks,
    Commands,
    DeadLetters,
    Readiness,
    Services,
    WorkerStatus,
)
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
    command_seconds_max: float = COMMAND_SECONDS_MAX,
) -> web.Application:
    """The API and the console, at the root and under `/api/ticketing`."""
    app = web.Application(
        middlewares=[counted, safe_headers, problems, guard], client_max_size=BODY_BYTES_MAX
    )
    app[STATUS] = WorkerStatus(config, readiness)
    app[SERVICES] = Services(
        config, store, commands, checks, dead_letters, balance, command_seconds_max
    )
    app[files.ASSETS] = files.load()
    feed_for(app)
    for prefix in ("", PREFIX):
        app.add_routes(_routes(prefix))
    return app


def _routes(prefix: str) -> list[web.RouteDef]:
    one = f"{prefix}/api/incidents/{{id}}"
    routes = [
        web.get(f"{prefix}/", files.page),
        web.get(f"{prefix}/console/{{name}}", files.file),
        *operations.status_routes(prefix),
        web.get(f"{prefix}/api/incidents", incidents.list_incidents),
        web.get(one, incidents.get_incident),
        web.post(f"{prefix}/api/v1/incidents/batch", batch),
        web.post(f"{prefix}{SLACK_PATH}", slack.interactions),
        web.get(f"{prefix}/api/v1/events", events),
        web.get(f"{prefix}/api/v1/totals", operations.totals),
        web.get(f"{prefix}/api/v1/dead-letters", list_dead_letters),
        web.get(f"{prefix}/api/v1/dead-letters/{{id}}", get_dead_letter),
        web.post(f"{prefix}/api/v1/dead-letters/{{id}}/redrive", redrive),
        # PATCH /api/v1/config/{platforms,routing,anomaly,llm} goes here once changes are
        # persistent.
        web.get(f"{prefix}/api/v1/config", operations.get_config),
        web.get(f"{prefix}/api/v1/platforms", operations.list_platforms),
        web.post(f"{prefix}/api/v1/test-connection", operations.test_connection),
        web.post(f"{prefix}/api/v1/test-llm", operations.test_llm),
        web.get(f"{prefix}/api/v1/llm-status", operations.llm_status),
    ]
    routes += [web.post(f"{one}/{action.value}", command_handler(action)) for action in Action]
    return routes
