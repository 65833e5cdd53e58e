"""Articles of tickets."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket
from ticketing.sandbox.zammad.access import authorize, body_of
from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.store import ZammadTickets

TYPES = ("note", "email", "phone", "web")
CONTENT_TYPES = ("text/plain", "text/html")
SENDERS = ("Agent", "Customer", "System")


class Articles:
    """Adds articles to tickets and lists them, oldest first."""

    def __init__(self, tickets: PlatformTickets, kept: ZammadTickets) -> None:
        self._tickets = tickets
        self._kept = kept
        self.reset()

    def reset(self) -> None:
        """Start the numbers again."""
        self._last = 0

    def get(self, call: Call) -> web.Response:
        """GET ticket_articles/by_ticket/{id}."""
        authorize(call)
        return web.json_response(self._kept.find(call.params["id"]).record["articles"])

    def post(self, call: Call) -> web.Response:
        """POST ticket_articles."""
        given = body_of(call)
        if "ticket_id" not in given:
            refuse(422, "Missing required value for field 'ticket_id'!")
        ticket = self._kept.find(given["ticket_id"])
        article = self.add(ticket, checked_article(given))
        return web.json_response(article, status=201)

    def add(self, ticket: Ticket, given: dict[str, Any]) -> dict[str, Any]:
        """Keep a checked article."""
        self._last += 1
        article = {
            "id": self._last,
            "ticket_id": int(ticket.id),
            "subject": given.get("subject"),
            "body": given["body"],
            "content_type": given.get("content_type", "text/plain"),
            "type": given.get("type", "note"),
            "internal": given.get("internal", False),
            "created_at": iso_time(self._tickets.now()),
        }
        ticket.record["articles"].append(article)
        self._tickets.note(ticket, f"article: {given['body'][:200]}")
        return article


def checked_article(given: Any) -> dict[str, Any]:
    """An article as it was sent; refuses an article that breaks a rule."""
    if not isinstance(given, dict) or not given.get("body"):
        refuse(422, "Missing required value for field 'article.body'!")
    if not isinstance(given["body"], str):
        refuse(422, "article.body must be a string")
    if given.get("type", "note") not in TYPES:
        refuse(422, f"No lookup value found for 'type': '{given['type']}'")
    if given.get("sender", "Agent") not in SENDERS:
        refuse(422, f"No lookup value found for 'sender': '{given['sender']}'")
    if given.get("content_type", "text/plain") not in CONTENT_TYPES:
        refuse(422, "Invalid content_type")
    if not isinstance(given.get("internal", False), bool):
        refuse(422, "internal must be a boolean")
    return given
