"""Guards of this machine's own pages where no token is asked for; security headers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing.api.problems import Problem
from ticketing.api.services import status
from ticketing.config import Config

PREFIX = "/api/ticketing"
"""A second prefix of every path."""
SLACK_PATH = "/api/v1/slack/interactions"
"""Open without a token, as Slack sends none: the handler verifies Slack's signature instead."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})

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


def is_loopback(host: str) -> bool:
    """True for an address or name of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


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
    """Where no credential is asked for, allow only this machine's own pages."""
    config = status(request).config
    if bare_path(request.path) == SLACK_PATH:
        return await handler(request)
    if not config.asks_for_credentials:
        # Loopback alone does not identify the sender: a browser here sends requests for any page.
        _require_own_host(request, config)
    _require_own_origin(request, config)
    return await handler(request)


@web.middleware
async def guard_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As `guard`, and only for clients on this machine where no credential is asked for."""
    config = status(request).config
    if not config.asks_for_credentials:
        _require_own_machine(request)
        _require_own_host(request, config)
    _require_own_origin(request, config)
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


def _require_own_machine(request: web.Request) -> None:
    """Without a token, refuse clients on other machines; a Unix socket has none."""
    if request.remote and not is_loopback(request.remote.removeprefix("::ffff:")):
        raise Problem(403, "Set web.token or access.enforced to reach this from other machines.")


def _require_own_host(request: web.Request, config: Config) -> None:
    """Without a token, a foreign name that resolves to this machine (DNS rebinding) is refused."""
    host = _host_name(request.host)
    if not is_loopback(host) and host != _public_host(config):
        raise Problem(
            403,
            "The Host header names another machine, and web.token is not set; set web.token, or"
            " web.publicUrl to the address in use.",
        )


def _require_own_origin(request: web.Request, config: Config) -> None:
    """Refuse changes that a page of another origin makes through a browser on this machine."""
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin is not None:
        own = urlsplit(origin).netloc.lower() == request.host.lower()
        public = config.web.public_url
        own = own or (public is not None and _origin_of(str(public)) == origin.lower())
    else:
        own = site in ("same-origin", "none")
    if not own:
        raise Problem(403, "Changes are refused from pages of another origin.")


def _host_name(netloc: str) -> str:
    return (urlsplit(f"//{netloc}").hostname or "").lower()


def _public_host(config: Config) -> str | None:
    public = config.web.public_url
    return None if public is None else urlsplit(str(public)).hostname


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
