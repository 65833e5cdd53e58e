"""The console's files, read once and served with an ETag."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from ticketing.errors import NotFound

DIRECTORY = Path(__file__).resolve().parent.parent / "console"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file of the console."""

    body: bytes
    content_type: str
    etag: str


def load(directory: Path = DIRECTORY) -> dict[str, Asset]:
    """The files of the console by name."""
    return {path.name: _asset(path) for path in sorted(directory.iterdir()) if path.suffix in TYPES}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:24]}"')


ASSETS: web.AppKey[dict[str, Asset]] = web.AppKey("assets", dict)


async def page(request: web.Request) -> web.Response:
    """GET /: the console."""
    return _serve(request, "index.html")


async def file(request: web.Request) -> web.Response:
    """GET /console/:name: a file of the console."""
    return _serve(request, request.match_info["name"])


def _serve(request: web.Request, name: str) -> web.Response:
    asset = request.config_dict[ASSETS].get(name)
    if asset is None:
        raise NotFound("The console has no such file.")
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.content_type
    return web.Response(body=asset.body, headers=headers)
