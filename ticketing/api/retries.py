"""Another try at a ticket that did not get through, over HTTP."""

from __future__ import annotations

import msgspec
from aiohttp import web

from ticketing.api.dead_letters import dead_letters_of
from ticketing.api.described import described, ok, refused
from ticketing.api.door import SUBJECTS, principal_of
from ticketing.api.incidents import document_of
from ticketing.api.parameters import Body, by_field, json_object
from ticketing.api.problems import Invalid
from ticketing.api.shapes import choice, record
from ticketing.config import PLATFORMS
from ticketing.domain.access.principal import NAME_CHARS_MAX


class _Routed(msgspec.Struct):
    """The part of an incident's document that says where it goes."""

    platforms: list[str]
    status: str


_routed = msgspec.json.Decoder(_Routed)


@described(
    ok(
        "the wish is in Kafka, at the place `to`",
        record({"id": "text", "status": "text", "platform": "text", "to": "text"}),
    ),
    refused(409, "the platform is not enabled"),
    body=record({"by": by_field(), "platform": choice(PLATFORMS)}, optional=("by",)),
)
async def retry(request: web.Request) -> web.Response:
    """POST /api/incidents/:id/retry: let a platform try the incident's ticket again now."""
    id = request.match_info["id"]
    body = Body(await json_object(request))
    by = principal_of(request).signed(body.text("by", chars_max=NAME_CHARS_MAX))
    platform = body.text("platform", required=True)
    body.done()
    request[SUBJECTS] = [id]
    shown = _routed.decode(await document_of(request))
    if platform not in shown.platforms:
        known = ", ".join(shown.platforms) or "none"
        message = f"must be one that the incident is routed to ({known}); forward it to another"
        raise Invalid("platform", message, allowed=shown.platforms)
    to = await dead_letters_of(request).retry(id, platform, by)
    return web.json_response({"id": id, "status": shown.status, "platform": platform, "to": to})
