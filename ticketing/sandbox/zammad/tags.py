"""Tags of tickets."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call, Handler
from ticketing.sandbox.tickets import PlatformTickets
from ticketing.sandbox.zammad.access import authorize
from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.store import ZammadTickets


class Tags:
    """Lists, adds and removes the tags of a ticket."""

    def __init__(self, tickets: PlatformTickets, kept: ZammadTickets) -> None:
        self._tickets = tickets
        self._kept = kept

    def get(self, call: Call) -> web.Response:
        """GET tags."""
        authorize(call)
        if call.query.get("object") != "Ticket":
            refuse(404, "Couldn't find the object")
        ticket = self._kept.find(call.query.get("o_id"))
        return web.json_response({"tags": ticket.record["tags"]})

    def handler(self, *, add: bool) -> Handler:
        """POST tags/add or DELETE tags/remove."""

        def handler(call: Call) -> web.Response:
            authorize(call)
            given = call.body if isinstance(call.body, dict) else dict(call.query)
            item = given.get("item")
            if given.get("object") != "Ticket" or not isinstance(item, str) or not item.strip():
                refuse(422, "item and object are required")
            ticket = self._kept.find(given.get("o_id"))
            kept = [tag for tag in ticket.record["tags"] if tag != item]
            ticket.record["tags"] = [*kept, item] if add else kept
            self._tickets.note(ticket, f"tag {'added' if add else 'removed'}: {item}")
            return web.json_response(True, status=201 if add else 200)

        return handler


def tags_of(given: Any) -> list[str]:
    """The tags sent with a new ticket, each once."""
    if not isinstance(given, str):
        refuse(422, "tags must be a string of names separated by commas")
    return [tag for tag in dict.fromkeys(part.strip() for part in given.split(",")) if tag]
