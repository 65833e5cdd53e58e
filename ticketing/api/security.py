"""Guards of this machine's own pages where no token is asked for; security headers."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.api.origins import require_host, require_own_host, require_own_page
from ticketing.api.problems import Problem
from ticketing.api.rules import API_V1, spellings
from ticketing.api.senders import sender_address
from ticketing.api.services import status
from ticketing.config import Config
from ticketing.config.checks import is_loopback

PREFIX = "/api/ticketing"
"""A second prefix of every path."""
SLACK_PATH = "/api/v1/slack/interactions"
"""Open without a token, as Slack sends none: the handler verifies Slack's signature instead."""
CALLBACK_PATH = "/api/v1/session/callback"
"""Where an OIDC provider, another site, sends the browser back to."""
DOCS_PATH = "/docs"
"""The page of the API's description."""
PAGES = frozenset(
    prefix + path for prefix in ("", PREFIX) for path in ("/", DOCS_PATH, CALLBACK_PATH)
)
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
    """A path without the prefix, in the spelling of the constants here."""
    if path == PREFIX or path.startswith(PREFIX + "/"):
        path = path[len(PREFIX) :] or "/"
    return next((one for one in spellings(path) if one.startswith(API_V1)), path)


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
    """Where no credential is asked for, allow only this machine's own pages."""
    config = status(request).config
    host = require_host(request)
    if bare_path(request.path) == SLACK_PATH:
        return await handler(request)
    require_own_page(request, host, config, PAGES)
    if not config.asks_for_credentials:
        require_own_machine(request, config)
        # Loopback alone does not identify the sender: a browser here sends requests for any page.
        require_own_host(host, config)
    return await handler(request)


@web.middleware
async def guard_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As `guard`, for listeners that Slack has no way to."""
    config = status(request).config
    host = require_host(request)
    require_own_page(request, host, config, PAGES)
    if not config.asks_for_credentials:
        require_own_machine(request, config)
        require_own_host(host, config)
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


def require_own_machine(request: web.Request, config: Config) -> None:
    """Without a token, refuse clients on other machines; a Unix socket has none.

    Neither the peer nor whom it names may be one: a proxy elsewhere passes on what anybody says.
    """
    for address in (request.remote, sender_address(request, config)):
        if address and not is_loopback(address.removeprefix("::ffff:")):
            raise Problem(
                403, "Set web.token or access.enforced to reach this from other machines."
            )
