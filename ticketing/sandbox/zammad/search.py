"""The searches for tickets: by condition from the database, by query from an index that lags."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket
from ticketing.sandbox.zammad import query
from ticketing.sandbox.zammad.access import authorize, body_of
from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.behaviours import ZammadBehaviours
from ticketing.sandbox.zammad.store import expands, view

PAGE_MAX = 200
"""More than our sinks ask for; a request for more gets a page of this size."""


class Search:
    """Lists tickets, and finds them, the newest first."""

    lag_seconds: float = 0.0
    """The age before which a search by `query` misses a ticket; a search by `condition` does not."""

    def __init__(self, tickets: PlatformTickets, behaviours: ZammadBehaviours) -> None:
        self._tickets = tickets
        self._behaviours = behaviours

    def get_all(self, call: Call) -> web.Response:
        """GET tickets: a page of all of them, oldest first."""
        authorize(call)
        size, page = call.query.get("per_page", "50"), call.query.get("page", "1")
        if not size.isdecimal() or not page.isdecimal():
            refuse(422, "page and per_page must be numbers")
        count = min(int(size), PAGE_MAX)
        start = (max(1, int(page)) - 1) * count
        return web.json_response(
            [view(ticket, call) for ticket in self._tickets.all()[start : start + count]]
        )

    def search(self, call: Call) -> web.Response:
        """GET or POST tickets/search."""
        authorize(call)
        given = dict(call.query) if call.method == "GET" else body_of(call)
        condition, words = given.get("condition"), given.get("query")
        if words:
            found = self._by_query(str(words))
        elif isinstance(condition, dict):
            found = self._by_condition(condition)
        else:
            found = []
        try:
            limit = int(given.get("limit", 50))
        except (TypeError, ValueError):
            refuse(422, "limit must be a number")
        rows = [view(ticket, call) for ticket in found[:limit]]
        if self._behaviours.search_answers_object and not expands(call):
            assets = {"Ticket": {str(row["id"]): row for row in rows}}
            ids = [row["id"] for row in rows]
            return web.json_response({"tickets": ids, "tickets_count": len(ids), "assets": assets})
        return web.json_response(rows)

    def _by_query(self, text: str) -> list[Ticket]:
        seen_before = self._tickets.now() - self.lag_seconds
        words = text.removeprefix("tags:").strip('"').lower()
        return [
            one
            for one in reversed(self._tickets.all())
            if one.opened_at <= seen_before
            and (words in (tag.lower() for tag in one.record["tags"]) or words in one.title.lower())
        ]

    def _by_condition(self, condition: dict[str, Any]) -> list[Ticket]:
        """The tickets that pass every test; all tickets if one test is malformed, as in Zammad."""
        tests = [query.condition(name, test) for name, test in condition.items()]
        found = list(reversed(self._tickets.all()))
        if None in tests:
            return found
        return [one for one in found if all(test and test(one) for test in tests)]
