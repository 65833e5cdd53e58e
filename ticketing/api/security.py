"""Access by token, or from loopback guarded against pages of other origins; security headers."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.api.origins import require_host, require_own_host, require_own_page
from ticketing.api.problems import Problem, problems
from ticketing.api.services import STATUS, WorkerStatus, status
from ticketing.config import Config
from ticketing.config.checks import is_loopback

PREFIX = "/api/ticketing"
"""A second prefix of every path."""
OPEN_PATHS = frozenset({"/health", "/ready"})
"""Paths open without a token: orchestrators' probes, and the console's files, which hold no data."""
SLACK_PATH = "/api/v1/slack/interactions"
"""Open without a token, as Slack sends none: the handler verifies Slack's signature instead."""
CONSOLE_FILES = "/console/"
PAGES = frozenset({"/", f"{PREFIX}/"})
"""Paths that a link on another site may open, such as a ticket's link to the console."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def bare_path(path: str) -> str:
    """A path without the prefix."""
    if path == PREFIX or path.startswith(PREFIX + "/"):
        return path[len(PREFIX) :] or "/"
    return path


@web.middleware
async def safe_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add the security headers to every response except streams, which set them themselves."""
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
        # Incidents must not be cached; the console's files have a policy of their own, with ETag.
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Require the token if one is set; without one allow only this machine's own pages."""
    config = status(request).config
    path = bare_path(request.path)
    host = require_host(request)
    if path == SLACK_PATH:
        return await handler(request)
    require_own_page(request, host, config, PAGES)
    if config.web.token is None:
        # Loopback alone does not identify the sender: a browser here sends requests for any page.
        require_own_host(host, config)
    elif path not in OPEN_PATHS and path != "/" and not path.startswith(CONSOLE_FILES):
        _require_token(request, config.web.token.get_secret_value())
    return await handler(request)


@web.middleware
async def guard_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As `guard`, without any open path, and without a token for clients on this machine alone.

    The API listens on loopback then; the web view may listen anywhere, and a Host is easily made up.
    """
    config = status(request).config
    host = require_host(request)
    require_own_page(request, host, config, PAGES)
    if config.web.token is None:
        _require_own_machine(request)
        require_own_host(host, config)
    else:
        _require_token(request, config.web.token.get_secret_value())
    return await handler(request)


@web.middleware
async def own_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages send their forms to their own origin, which the API's pages have no use for."""
    response = await handler(request)
    if not response.prepared:
        policy = HEADERS["Content-Security-Policy"]
        own = policy.replace("form-action 'none'", "form-action 'self'")
        response.headers["Content-Security-Policy"] = own
    return response


def close_door(app: web.Application, config: Config) -> None:
    """Guard every path of an application that is not the API's, such as Faust's web view."""
    app[STATUS] = WorkerStatus(config, list)
    app.middlewares.extend([own_forms, safe_headers, problems, guard_all])


def _require_token(request: web.Request, token: str) -> None:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    known = hmac.compare_digest(
        sent.strip().encode("utf-8", "surrogateescape"), token.encode("utf-8", "surrogateescape")
    )
    if scheme.lower() != "bearer" or not known:
        raise Problem(
            401,
            "Send `Authorization: Bearer <web.token>`.",
            headers={"WWW-Authenticate": 'Bearer realm="ticketing"'},
        )


def _require_own_machine(request: web.Request) -> None:
    """Without a token, refuse clients on other machines; a Unix socket has none."""
    if request.remote and not is_loopback(request.remote.removeprefix("::ffff:")):
        raise Problem(403, "Set web.token to reach this from other machines.")
