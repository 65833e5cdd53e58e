"""Options of every request to others: no redirects, and of the environment nothing but proxies.

aiohttp's `trust_env` would also read `~/.netrc`, whose passwords are none of ours.
"""

from __future__ import annotations

from typing import TypedDict
from urllib.request import getproxies, proxy_bypass

from yarl import URL


class Options(TypedDict):
    """Keyword arguments of a request of `aiohttp.ClientSession`."""

    allow_redirects: bool
    proxy: URL | None


def options(url: str) -> Options:
    """The options for a request to `url`; its answer is the address's own, a redirect too.

    A request with a secret goes to the configured address alone. The proxy is that of
    `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case, with its own
    user and password.
    """
    return {"allow_redirects": False, "proxy": _proxy(URL(url))}


def _proxy(url: URL) -> URL | None:
    if url.host is None or proxy_bypass(url.host):
        return None
    given = getproxies().get(url.scheme)
    proxy = URL(given) if given else None
    # aiohttp has no proxies over TLS.
    return proxy if proxy is not None and proxy.scheme == "http" else None
