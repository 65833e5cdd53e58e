"""Calls of Zammad's REST API; every method raises Failed.

https://docs.zammad.org/en/latest/api/intro.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from sinks.calls.http import Http
from sinks.calls.outcome import Failed, Reason, Refused, Unknown
from sinks.text.keys import tag_of
from sinks.zammad.settings import Settings

CANDIDATES_MAX = 10
"""An incident has one ticket, rarely two; each candidate costs a request for its tags."""
USERS_MAX = 50
"""The search also finds similar users; the exact one is expected among the first."""
PAGE_SIZE = 100
"""Fewer than the default of any release, so that every page is one that was asked for."""
PAGES_MAX = 50
"""5,000 groups, more than an installation has; bounds a server whose pages never end."""
FORBIDDEN = 403
FORBIDDEN_MEANS = "not allowed, or the API is switched off, or Zammad is in maintenance"
EXPANDED = {"expand": "true"}
"""Answers with names, and releases before 6.5 answer a search with a list only so."""
CLOSED = frozenset({"closed", "merged", "removed"})
"""States in which nobody works on a ticket any more, beside the configured one and its kind."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as Zammad shows it. `closed` is true for every state of that kind.

    `fields` are the columns of the answer, in which a group, state or owner has its name.
    """

    id: str
    number: str
    closed: bool
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The name of the state."""
        return str(self.fields.get("state", ""))


class Api:
    """The tickets of one installation, with the rights of one agent."""

    def __init__(self, settings: Settings, http: Http, account: str) -> None:
        self._settings = settings
        self._http = http
        self._account = account
        self._headers = {"Authorization": f"Token token={settings.token}"}
        self._closed: dict[int, bool] = {}
        self._own_id = 0

    async def create(self, body: Mapping[str, Any]) -> Ticket:
        """Create a ticket."""
        data = await self._call("POST", "tickets", body=body, params=EXPANDED)
        return Ticket(_id(data), str(data.get("number") or ""), closed=False, fields=data)

    async def change(self, ticket_id: str, body: Mapping[str, Any]) -> Ticket:
        """Change a ticket and read it from the answer; an article is added in the same step."""
        data = await self._call("PUT", _ticket_path(ticket_id), body=body, params=EXPANDED)
        if _id(data) != ticket_id:
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is another ticket"))
        return await self._seen(data)

    async def read(self, ticket_id: str) -> Ticket:
        """Read a ticket."""
        data = await self._call("GET", _ticket_path(ticket_id), params=EXPANDED)
        return await self._seen(data)

    async def found(self, key: str) -> list[Ticket]:
        """The tickets that have the key as their note or in a tag, oldest first.

        Zammad drops a tag that is not allowed, hence the note. Zammad answers a condition from its
        database and so finds the newest ticket too. It may answer a condition that it does not
        understand with any tickets, whose notes and tags are therefore checked.
        """
        rows = [
            *await self._matching("ticket.note", "is", key),
            *await self._matching("ticket.tags", "contains all", tag_of(key)),
        ]
        by_id = {int(_id(row)): row for row in rows}
        ours = [
            row
            for _, row in sorted(by_id.items())
            if row.get("note") == key or tag_of(key) in await self.tags(_id(row))
        ]
        return [await self._seen(row) for row in ours]

    async def _matching(self, column: str, operator: str, value: str) -> list[dict[str, Any]]:
        condition = {column: {"operator": operator, "value": value}}
        body = {"condition": condition, "limit": CANDIDATES_MAX}
        data = await self._call("POST", "tickets/search", body=body, params=EXPANDED)
        return _rows(data)[:CANDIDATES_MAX]

    async def tags(self, ticket_id: str) -> list[str]:
        """The tags of a ticket."""
        params = {"object": "Ticket", "o_id": ticket_id}
        data = await self._call("GET", "tags", params=params)
        tags = data.get("tags") if isinstance(data, dict) else None
        if not isinstance(tags, list):
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer has no tags"))
        return [str(one) for one in tags]

    async def add_article(self, ticket_id: str, article: Mapping[str, Any]) -> None:
        """Add an article to a ticket."""
        body = {"ticket_id": int(ticket_id), **article}
        _id(await self._call("POST", "ticket_articles", body=body))

    async def articles(self, ticket_id: str) -> list[tuple[str, str]]:
        """Subjects and bodies of a ticket's articles."""
        path = f"ticket_articles/by_ticket/{quote(ticket_id, safe='')}"
        rows = _rows(await self._call("GET", path))
        return [(str(row.get("subject") or ""), str(row.get("body") or "")) for row in rows]

    async def own_id(self) -> int:
        """The id of the token's user."""
        if not self._own_id:
            self._own_id = int(_id(await self._call("GET", "users/me")))
        return self._own_id

    async def names(self, of: str) -> set[str]:
        """The active names of `groups`, `ticket_states` or `ticket_priorities`."""
        rows = await self._pages(of)
        return {str(row.get("name")) for row in rows if row.get("active") is not False}

    async def _pages(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(1, PAGES_MAX + 1):
            asked = {"page": str(page), "per_page": str(PAGE_SIZE)}
            found = _rows(await self._call("GET", path, params=asked))
            rows += found
            if len(found) < PAGE_SIZE:
                break
        return rows

    async def has_user(self, name: str) -> bool:
        """True if a user has the login or email `name`."""
        params = {"query": name, "limit": str(USERS_MAX)}
        rows = _rows(await self._call("GET", "users/search", params=params))
        known = {str(row.get(key) or "").lower() for row in rows for key in ("login", "email")}
        return name.lower() in known

    async def _seen(self, row: dict[str, Any]) -> Ticket:
        ticket_id = _id(row)
        state = row.get("state_id")
        if not isinstance(state, int):
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the ticket has no state"))
        if state not in self._closed:
            self._closed = await self._closed_states()
        closed = self._closed.get(state, False)
        return Ticket(ticket_id, str(row.get("number") or ""), closed, row)

    async def _closed_states(self) -> dict[int, bool]:
        rows = await self._pages("ticket_states")
        names = CLOSED | {self._settings.states.resolved}
        kinds = {row.get("state_type_id") for row in rows if row.get("name") in names} - {None}
        return {
            int(_id(row)): row.get("name") in names or row.get("state_type_id") in kinds
            for row in rows
        }

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            answer = await self._http.call(
                method,
                f"{self._settings.base_url}/api/v1/{path}",
                body=body,
                headers=self._headers,
                params=params,
                account=self._account,
            )
        except Failed as failed:
            if failed.status == FORBIDDEN and isinstance(failed.outcome, Refused):
                detail = f"{failed.outcome.detail} ({FORBIDDEN_MEANS})"
                outcome = msgspec.structs.replace(failed.outcome, detail=detail)
                raise Failed(outcome, status=failed.status) from failed
            raise
        return answer.data


def _ticket_path(ticket_id: str) -> str:
    return f"tickets/{quote(ticket_id, safe='')}"


def _id(data: Any) -> str:
    value = data.get("id") if isinstance(data, dict) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer has no id"))
    return str(value)


def _rows(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not a list"))
    return data
