"""Refuses requests under a foreign name, and those that pages of other origins make in a browser."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from ticketing.api.hosts import Host, parse_host, parse_origin, without_usual_port
from ticketing.api.problems import Invalid, Problem
from ticketing.config import Config
from ticketing.config.checks import is_loopback

_OWN_SITES = frozenset({"same-origin", "none"})
"""`none` is a person's own step: an address typed, a bookmark."""


def require_host(request: web.Request) -> Host:
    """The host that a request names; a problem for several, or for anything but a host.

    HTTP/1.0 has requests without one: their host has no name.
    """
    given = request.headers.getall("Host", [])
    if not given:
        return Host("", None)
    if len(given) > 1:
        raise Invalid("Host", "must be given once")
    try:
        return parse_host(given[0])
    except ValueError:
        raise Invalid("Host", "must be a host name or address, and a port at most") from None


def require_own_host(host: Host, config: Config) -> None:
    """Without a token, refuse a foreign name that resolves to this machine (DNS rebinding)."""
    public = _public_origin(config)
    if not is_loopback(host.name) and (public is None or host.name != public[1].name):
        raise Problem(
            403,
            "The Host header names another machine, and web.token is not set; set web.token, or"
            " web.publicUrl to the address in use.",
        )


def require_own_page(
    request: web.Request, host: Host, config: Config, pages: Collection[str]
) -> None:
    """Refuse a request of another origin's page, whatever its method, before any work is done.

    A link from elsewhere may open one of the `pages`, paths that only show something. Programs that
    are no browsers send neither `Sec-Fetch-Site` nor `Origin`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    own = _is_own(request, host, config) if site is None else site in _OWN_SITES
    if not own and not (request.path in pages and _opens_a_page(request)):
        raise Problem(403, "Requests from pages of another origin are refused.")


def _is_own(request: web.Request, host: Host, config: Config) -> bool:
    given = request.headers.get("Origin")
    if given is None:
        return True
    try:
        origin = parse_origin(given)
    except ValueError:
        return False
    scheme, sender = origin
    # The scheme is unknown behind a proxy that ends TLS.
    return sender == without_usual_port(scheme, host) or origin == _public_origin(config)


def _opens_a_page(request: web.Request) -> bool:
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )


def _public_origin(config: Config) -> tuple[str, Host] | None:
    """The origin of `web.publicUrl`, which may have a path."""
    public = config.web.public_url
    if public is None:
        return None
    scheme, _, rest = str(public).partition("://")
    try:
        return parse_origin(f"{scheme}://{rest.partition('/')[0]}")
    except ValueError:
        return None
