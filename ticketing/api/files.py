"""The console's files, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from ticketing.api.described import described, ok
from ticketing.api.shapes import shape
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


def load(directory: Path = DIRECTORY) -> dict[str, Asset]:
    """The files of the console by name."""
    return {path.name: _asset(path) for path in sorted(directory.iterdir()) if path.suffix in TYPES}


def _asset(path: Path) -> Asset:
    return Asset(path.read_bytes(), TYPES[path.suffix])


ASSETS: web.AppKey[dict[str, Asset]] = web.AppKey("assets", dict)


@described(ok("the page", shape("text"), content_type="text/html"))
async def page(request: web.Request) -> web.Response:
    """GET /: the console."""
    return _serve(request, "index.html")


@described(ok("the file", shape("text"), content_type="*/*"))
async def file(request: web.Request) -> web.Response:
    """GET /console/:name: a file of the console."""
    return _serve(request, request.match_info["name"])


def _serve(request: web.Request, name: str) -> web.Response:
    asset = request.config_dict[ASSETS].get(name)
    if asset is None:
        raise NotFound("The console has no such file.")
    headers = {"Cache-Control": "no-cache", "Content-Type": asset.content_type}
    return web.Response(body=asset.body, headers=headers)
