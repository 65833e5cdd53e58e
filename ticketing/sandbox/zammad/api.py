"""Zammad's paths: tickets, articles, tags, and the lists of known names.

https://docs.zammad.org/en/latest/api/intro.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, whole_seconds
from ticketing.sandbox.tickets import PlatformTickets, Ticket
from ticketing.sandbox.zammad import directory
from ticketing.sandbox.zammad.answers import failure
from ticketing.sandbox.zammad.behaviours import ZammadBehaviours
from ticketing.sandbox.zammad.comments import Articles
from ticketing.sandbox.zammad.search import Search
from ticketing.sandbox.zammad.store import ZammadTickets
from ticketing.sandbox.zammad.tags import Tags
from ticketing.sandbox.zammad.tickets import TicketCalls


class Zammad(StandIn):
    """Tickets by number; a name that is not known is refused."""

    name: ClassVar[str] = "zammad"
    session_cookie: ClassVar[str] = "_zammad_session"

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.behaviours = behaviours = ZammadBehaviours()
        self.kept = ZammadTickets(tickets)
        self.customers = directory.Customers()
        self.articles = Articles(tickets, self.kept)
        self.calls = TicketCalls(tickets, self.kept, self.articles, self.customers, behaviours)
        self.tags = Tags(tickets, self.kept)
        self.search = Search(tickets, behaviours)

    def reset(self) -> None:
        """Forget all tickets, articles and guessed customers."""
        self.kept.reset()
        self.articles.reset()
        self.customers.reset()

    def routes(self) -> Iterable[Route]:
        """All paths, under /api/v1."""
        for method, path, handler in self._routes():
            yield method, f"/api/v1{path}", handler

    def _routes(self) -> Iterable[Route]:
        # Before the path of one ticket, which would take `search` for an id.
        yield "GET", "/tickets/search", self.search.search
        yield "POST", "/tickets/search", self.search.search
        yield "GET", "/tickets", self.search.get_all
        yield "POST", "/tickets", self.calls.create
        yield "GET", "/tickets/{id}", self.calls.get
        yield "PUT", "/tickets/{id}", self.calls.update
        yield "DELETE", "/tickets/{id}", self.calls.delete
        yield "POST", "/ticket_articles", self.articles.post
        yield "GET", "/ticket_articles/by_ticket/{id}", self.articles.get
        yield "GET", "/tags", self.tags.get
        yield "POST", "/tags/add", self.tags.handler(add=True)
        yield "DELETE", "/tags/remove", self.tags.handler(add=False)
        yield "GET", "/users/me", directory.me
        yield "GET", "/users/search", self.customers.search
        yield "GET", "/groups", directory.list_of(directory.GROUPS)
        yield "GET", "/ticket_states", directory.list_of(directory.STATES)
        yield "GET", "/ticket_priorities", directory.list_of(directory.PRIORITIES)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error with the reason, in Zammad's form."""
        return failure(status, reason)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 as by a proxy, since Zammad itself has no rate limit."""
        headers = {"Retry-After": whole_seconds(retry_after)}
        return web.Response(status=429, text="Too Many Requests", headers=headers)

    def act(self, ticket: Ticket, action: str) -> None:
        """Act as an agent does in the application."""
        states = {"close": "closed", "acknowledge": "open", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self.kept.change(ticket, {"state": states[action]}, f"{action} by a person")
