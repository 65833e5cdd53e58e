"""The door before an application that is not the API's: Faust's web views."""

from __future__ import annotations

from aiohttp import web

from ticketing.api.audit import audited
from ticketing.api.door import Door, admission, keep_door
from ticketing.api.problems import problems
from ticketing.api.rules import FALLBACK, VIEWER_OF_ALL
from ticketing.api.security import guard_all, own_forms, safe_headers
from ticketing.api.services import STATUS, WorkerStatus
from ticketing.config import Config


def close_door(app: web.Application, config: Config, door: Door) -> None:
    """Guard every path of an application: it is for viewers of all tenants."""
    app[STATUS] = WorkerStatus(config, list)
    app[FALLBACK] = VIEWER_OF_ALL
    app.middlewares.extend([own_forms, safe_headers, audited, problems, guard_all, admission])
    keep_door(app, door)
