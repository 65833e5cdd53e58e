"""The groups, states, priorities and people that Zammad knows, and the paths that list them."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from ticketing.sandbox.platform import Call, Handler
from ticketing.sandbox.zammad import credentials
from ticketing.sandbox.zammad.access import authorize
from ticketing.sandbox.zammad.answers import refuse

PAGE_DEFAULT = 500
"""Zammad's own."""
CUSTOMERS_MAX = 10_000
"""Beyond, the first customer stands for every guessed one, so that memory is bounded."""

GROUPS = {"Users": 1, credentials.GROUP: 2, "Management": 3}
STATES = {"new": 1, "open": 2, "pending reminder": 3, "closed": 4}
PRIORITIES = {"1 low": 1, "2 normal": 2, "3 high": 3}
AGENTS = {"-": 1, "agent@sandbox.example": 2, "owner@sandbox.example": 3}
CUSTOMERS = {"customer@sandbox.example": 10}
LOOKUPS = {"group": GROUPS, "state": STATES, "priority": PRIORITIES, "owner": AGENTS}
"""The ids of known values by name, by field of a ticket."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def list_of(known: dict[str, int]) -> Handler:
    """GET of all groups, states or priorities."""

    def handler(call: Call) -> web.Response:
        authorize(call)
        rows = [{"id": n, "name": name, "active": True} for name, n in known.items()]
        return web.json_response(_page(call, rows))

    return handler


def _page(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    size, page = call.query.get("per_page", str(PAGE_DEFAULT)), call.query.get("page", "1")
    if not size.isdecimal() or not page.isdecimal():
        refuse(422, "page and per_page must be numbers")
    start = (max(1, int(page)) - 1) * int(size)
    return rows[start : start + int(size)]


def me(call: Call) -> web.Response:
    """GET users/me: our own agent."""
    authorize(call)
    user = {"id": 2, "login": "agent@sandbox.example", "email": "agent@sandbox.example"}
    return web.json_response({**user, "active": True, "role_ids": [2]})


class Customers:
    """The known customers; `guess:` before an address adds a customer."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all guessed customers."""
        self._ids = dict(CUSTOMERS)

    def id_of(self, given: dict[str, Any]) -> int:
        """The id of a ticket's customer; refuses an unknown customer."""
        by_id, by_name = given.get("customer_id"), given.get("customer")
        if isinstance(by_id, str) and by_id.startswith("guess:"):
            return self._guessed(by_id)
        if by_name is not None:
            if by_name not in self._ids:
                refuse(422, f"No lookup value found for 'customer': '{by_name}'")
            return self._ids[by_name]
        if by_id is None:
            refuse(422, "Missing required value for field 'customer_id'!")
        if by_id not in self._ids.values() and by_id not in AGENTS.values():
            refuse(422, f"Invalid value '{by_id}' for field 'customer_id'")
        return int(by_id)

    def _guessed(self, given: str) -> int:
        email = given.removeprefix("guess:").strip().lower()
        if not _EMAIL.fullmatch(email):
            refuse(422, "Invalid email address for customer_id")
        if len(self._ids) < CUSTOMERS_MAX:
            self._ids.setdefault(email, 10 + len(self._ids))
        return self._ids.get(email, 10)

    def search(self, call: Call) -> web.Response:
        """GET users/search: agents and customers with the word in their login."""
        authorize(call)
        word = call.query.get("query", "").lower()
        people = {**AGENTS, **self._ids}
        rows = [
            {"id": number, "login": login, "email": login, "active": True}
            for login, number in people.items()
            if word in login
        ]
        return web.json_response(rows)
