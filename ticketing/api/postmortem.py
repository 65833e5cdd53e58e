"""The post-mortem of an incident over HTTP, as Markdown."""

from __future__ import annotations

import msgspec
from aiohttp import web

from ticketing.api.described import described, ok
from ticketing.api.incidents import document_of
from ticketing.api.services import services
from ticketing.api.shapes import shape
from ticketing.view.postmortem import markdown


@described(
    ok(
        "the draft",
        shape("text"),
        content_type="text/markdown",
        headers={"Content-Disposition": "the name of the file"},
    )
)
async def postmortem(request: web.Request) -> web.Response:
    """GET /api/v1/incidents/:id/postmortem: a draft in Markdown, from all that is known."""
    document = msgspec.json.decode(await document_of(request))
    id, base = document["id"], str(services(request).config.web.public_url or "")
    return web.Response(
        text=markdown(document, f"{base.rstrip('/')}/#/incidents/{id}" if base else ""),
        content_type="text/markdown",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="postmortem-{id}.md"'},
    )
