"""Zammad: tickets, articles, tags and the lists they choose from.

https://docs.zammad.org/en/latest/api/intro.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from aiohttp import web

from ticketing.sandbox import credentials
from ticketing.sandbox.platform import (
    BadAction,
    Call,
    Platform,
    Route,
    iso_time,
    whole_seconds,
)
from ticketing.sandbox.tickets import Ticket, correlation_of

TITLE_MAX, PAGE_MAX = 250, 200
CUSTOMERS_MAX = 10_000

GROUPS = {"Users": 1, credentials.ZAMMAD_GROUP: 2, "Management": 3}
STATES = {"new": 1, "open": 2, "pending reminder": 3, "closed": 4}
PRIORITIES = {"1 low": 1, "2 normal": 2, "3 high": 3}
AGENTS = {"-": 1, "agent@sandbox.example": 2, "owner@sandbox.example": 3}
CUSTOMERS = {"customer@sandbox.example": 10}
COMMON_STATE = {
    "new": "open",
    "open": "acknowledged",
    "pending reminder": "acknowledged",
    "closed": "resolved",
}
LOOKUPS = {"group": GROUPS, "state": STATES, "priority": PRIORITIES, "owner": AGENTS}
ARTICLE_TYPES = {"note": 10, "email": 1, "phone": 5, "web": 11}
CONTENT_TYPES = ("text/plain", "text/html")
SENDERS = ("Agent", "Customer", "System")
TICKET_FIELDS = frozenset(
    {
        *(f"{name}{end}" for name in (*LOOKUPS, "customer", "organization") for end in ("", "_id")),
        "title",
        "article",
        "tags",
        "note",
        "number",
        "pending_time",
        "mentions",
        "links",
        "incident_id",
    }
)
"""`incident_id` is a custom attribute of the sandbox."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Zammad(Platform):
    """Tickets by number; every name must be one of the known ones."""

    name: ClassVar[str] = "zammad"
    search_lag_seconds: float = 0.0
    """How long the `query` form of search does not see a new ticket; the `condition` form does."""

    def reset(self) -> None:
        """No tickets; the customers are the first ones again."""
        self._last = 0
        self._articles = 0
        self._customers = dict(CUSTOMERS)

    def routes(self) -> Iterable[Route]:
        """Under /api/v1."""
        base, ticket = "/api/v1", "/api/v1/tickets/{id}"
        yield "GET", f"{base}/tickets/search", self._search
        yield "POST", f"{base}/tickets/search", self._search
        yield "GET", f"{base}/tickets", self._list
        yield "POST", f"{base}/tickets", self._create
        yield "GET", ticket, self._get
        yield "PUT", ticket, self._update
        yield "DELETE", ticket, self._delete
        yield "POST", f"{base}/ticket_articles", self._add_article
        yield "GET", f"{base}/ticket_articles/by_ticket/{{id}}", self._articles_of
        yield "GET", f"{base}/tags", self._tags
        yield "POST", f"{base}/tags/add", self._tag(add=True)
        yield "DELETE", f"{base}/tags/remove", self._tag(add=False)
        yield "GET", f"{base}/users/me", self._me
        yield "GET", f"{base}/users/search", self._users
        for path, rows in (
            ("groups", GROUPS),
            ("ticket_states", STATES),
            ("ticket_priorities", PRIORITIES),
        ):
            yield "GET", f"{base}/{path}", self._rows(rows)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """The reason twice, once for people."""
        return web.json_response({"error": reason, "error_human": reason}, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """Zammad itself does not limit; a proxy before it may."""
        headers = {"Retry-After": whole_seconds(retry_after)}
        return web.Response(status=429, text="Too Many Requests", headers=headers)

    def act(self, ticket: Ticket, action: str) -> None:
        """An agent in the application."""
        states = {"close": "closed", "acknowledge": "open", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self._apply(ticket, {"state": states[action]}, f"{action} by a person")

    def _authorize(self, call: Call) -> None:
        header = call.headers.get("Authorization")
        if header is None:
            self.refuse(call, 403, "Authentication required")
        token = (call.token("Token") or "").removeprefix("token=") or call.token("Bearer")
        if token != credentials.ZAMMAD_TOKEN:
            self.refuse(call, 401, "Invalid token!")

    def _body(self, call: Call) -> dict[str, Any]:
        self._authorize(call)
        if not isinstance(call.body, dict):
            self.refuse(call, 400, "The request body is not valid JSON.")
        body: dict[str, Any] = call.body
        return body

    def _ticket(self, call: Call, ticket_id: Any) -> Ticket:
        ticket = self.find(str(ticket_id))
        if ticket is None:
            self.refuse(call, 404, f"Couldn't find Ticket with 'id'={ticket_id}")
        return ticket

    def _fields(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """The fields sent, names resolved; 422 for a name or an attribute that is unknown."""
        for name in given:
            if name not in TICKET_FIELDS and name != "id":
                self.refuse(call, 422, f"unknown attribute '{name}' for Ticket.")
        resolved: dict[str, Any] = {}
        for name, known in LOOKUPS.items():
            if given.get(name) is not None:
                if given[name] not in known:
                    self.refuse(call, 422, f"No lookup value found for '{name}': '{given[name]}'")
                resolved[name] = given[name]
            elif given.get(f"{name}_id") is not None:
                resolved[name] = self._name_of(call, name, known, given[f"{name}_id"])
        title = given.get("title")
        if title is not None:
            if not isinstance(title, str) or not title.strip():
                self.refuse(call, 422, "Missing required value for field 'title'!")
            if len(title) > TITLE_MAX:
                self.refuse(call, 422, f"title is too long (maximum is {TITLE_MAX} characters)")
            resolved["title"] = title
        for name in ("note", "incident_id"):
            if name in given:
                resolved[name] = given[name]
        return resolved

    def _name_of(self, call: Call, field: str, known: dict[str, int], wanted: Any) -> str:
        for name, number in known.items():
            if number == wanted:
                return name
        self.refuse(call, 422, f"Invalid value '{wanted}' for field '{field}_id'")

    def _customer(self, call: Call, given: dict[str, Any]) -> int:
        """A known customer's id; `guess:` before an address makes one."""
        by_id, by_name = given.get("customer_id"), given.get("customer")
        if isinstance(by_id, str) and by_id.startswith("guess:"):
            email = by_id.removeprefix("guess:").strip().lower()
            if not _EMAIL.fullmatch(email):
                self.refuse(call, 422, "Invalid email address for customer_id")
            if len(self._customers) < CUSTOMERS_MAX:
                self._customers.setdefault(email, 10 + len(self._customers))
            return self._customers.get(email, 10)
        if by_name is not None:
            if by_name not in self._customers:
                self.refuse(call, 422, f"No lookup value found for 'customer': '{by_name}'")
            return self._customers[by_name]
        if by_id is None:
            self.refuse(call, 422, "Missing required value for field 'customer_id'!")
        if by_id not in self._customers.values() and by_id not in AGENTS.values():
            self.refuse(call, 422, f"Invalid value '{by_id}' for field 'customer_id'")
        return int(by_id)

    def _create(self, call: Call) -> web.Response:
        given = self._body(call)
        fields = self._fields(call, given)
        for name in ("title", "group"):
            if name not in fields:
                self.refuse(call, 422, f"Missing required value for field '{name}'!")
        customer = self._customer(call, given)
        article = self._checked_article(call, given.get("article"))
        number = str(given.get("number") or 10_000 + self._last + 1)
        if any(one.key == number for one in self.listing()):
            self.refuse(call, 422, "This object already exists.")
        tags = self._tag_list(call, given.get("tags", ""))
        self._last += 1
        ticket = Ticket(
            platform=self.name,
            id=str(self._last),
            key=number,
            correlation=correlation_of(*tags, str(fields.get("incident_id") or "")),
            title=fields["title"],
            url=f"{call.base_url}/#ticket/zoom/{self._last}",
        )
        ticket.record = {
            "state": "new",
            "priority": "2 normal",
            "owner": "-",
            **fields,
            "customer_id": customer,
            "tags": tags,
            "articles": [],
        }
        self.tickets.add(ticket, f"created, {ticket.record['priority']}")
        self._add(ticket, article)
        self._apply(ticket, {}, "")
        return web.json_response(self._view(ticket), status=201)

    def _tag_list(self, call: Call, given: Any) -> list[str]:
        if not isinstance(given, str):
            self.refuse(call, 422, "tags must be a string of names separated by commas")
        return [tag for tag in dict.fromkeys(part.strip() for part in given.split(",")) if tag]

    def _checked_article(self, call: Call, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict) or not given.get("body"):
            self.refuse(call, 422, "Missing required value for field 'article.body'!")
        if not isinstance(given["body"], str):
            self.refuse(call, 422, "article.body must be a string")
        if given.get("type", "note") not in ARTICLE_TYPES:
            self.refuse(call, 422, f"No lookup value found for 'type': '{given['type']}'")
        if given.get("sender", "Agent") not in SENDERS:
            self.refuse(call, 422, f"No lookup value found for 'sender': '{given['sender']}'")
        if given.get("content_type", "text/plain") not in CONTENT_TYPES:
            self.refuse(call, 422, "Invalid content_type")
        if not isinstance(given.get("internal", False), bool):
            self.refuse(call, 422, "internal must be a boolean")
        return given

    def _add(self, ticket: Ticket, given: dict[str, Any]) -> dict[str, Any]:
        self._articles += 1
        article = {
            "id": self._articles,
            "ticket_id": int(ticket.id),
            "subject": given.get("subject"),
            "body": given["body"],
            "content_type": given.get("content_type", "text/plain"),
            "type": given.get("type", "note"),
            "internal": given.get("internal", False),
            "created_at": iso_time(self.tickets.now()),
        }
        ticket.record["articles"].append(article)
        self.tickets.note(ticket, f"article: {given['body'][:200]}")
        return article

    def _get(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response(self._view(self._ticket(call, call.params["id"])))

    def _list(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response(self._page(call, self.listing()))

    def _page(self, call: Call, found: list[Ticket]) -> list[dict[str, Any]]:
        size, page = call.query.get("per_page", "50"), call.query.get("page", "1")
        if not size.isdecimal() or not page.isdecimal():
            self.refuse(call, 422, "page and per_page must be numbers")
        count = min(int(size), PAGE_MAX)
        start = (max(1, int(page)) - 1) * count
        return [self._view(ticket) for ticket in found[start : start + count]]

    def _update(self, call: Call) -> web.Response:
        given = self._body(call)
        ticket = self._ticket(call, call.params["id"])
        fields = self._fields(call, given)
        if "customer" in given or "customer_id" in given:
            fields["customer_id"] = self._customer(call, given)
        article = given.get("article")
        if article is not None:
            article = self._checked_article(call, article)
        self._apply(ticket, fields, "updated")
        if article is not None:
            self._add(ticket, article)
        return web.json_response(self._view(ticket))

    def _apply(self, ticket: Ticket, fields: dict[str, Any], what: str) -> None:
        changed = {k: v for k, v in fields.items() if ticket.record.get(k) != v}
        ticket.record.update(fields)
        ticket.title = ticket.record["title"]
        ticket.priority = ticket.record["priority"]
        ticket.state = COMMON_STATE[ticket.record["state"]]
        if changed:
            said = ", ".join(f"{name} {value}" for name, value in sorted(changed.items()))
            self.tickets.note(ticket, f"{what}: {said}")

    def _delete(self, call: Call) -> web.Response:
        self._authorize(call)
        ticket = self._ticket(call, call.params["id"])
        self.tickets.note(ticket, "deleted over REST", "deleted")
        return web.json_response({})

    def _add_article(self, call: Call) -> web.Response:
        given = self._body(call)
        if "ticket_id" not in given:
            self.refuse(call, 422, "Missing required value for field 'ticket_id'!")
        ticket = self._ticket(call, given["ticket_id"])
        article = self._add(ticket, self._checked_article(call, given))
        return web.json_response(article, status=201)

    def _articles_of(self, call: Call) -> web.Response:
        self._authorize(call)
        return web.json_response(self._ticket(call, call.params["id"]).record["articles"])

    def _tags(self, call: Call) -> web.Response:
        self._authorize(call)
        if call.query.get("object") != "Ticket":
            self.refuse(call, 404, "Couldn't find the object")
        ticket = self._ticket(call, call.query.get("o_id"))
        return web.json_response({"tags": ticket.record["tags"]})

    def _tag(self, add: bool) -> Callable[[Call], web.Response]:
        def handler(call: Call) -> web.Response:
            self._authorize(call)
            given = call.body if isinstance(call.body, dict) else dict(call.query)
            item = given.get("item")
            if given.get("object") != "Ticket" or not isinstance(item, str) or not item.strip():
                self.refuse(call, 422, "item and object are required")
            ticket = self._ticket(call, given.get("o_id"))
            kept = [tag for tag in ticket.record["tags"] if tag != item]
            ticket.record["tags"] = [*kept, item] if add else kept
            self.tickets.note(ticket, f"tag {'added' if add else 'removed'}: {item}")
            return web.json_response(True, status=201 if add else 200)

        return handler

    def _search(self, call: Call) -> web.Response:
        """By condition from the database, by query from an index that lags behind."""
        self._authorize(call)
        given = dict(call.query) if call.method == "GET" else self._body(call)
        condition, query = given.get("condition"), given.get("query")
        found = list(reversed(self.listing()))
        if query:
            seen_before = self.tickets.now() - self.search_lag_seconds
            words = str(query).removeprefix("tags:").strip('"').lower()
            found = [
                one
                for one in found
                if one.opened_at <= seen_before
                and (
                    words in (tag.lower() for tag in one.record["tags"])
                    or words in one.title.lower()
                )
            ]
        elif isinstance(condition, dict):
            tests = [_condition(name, test) for name, test in condition.items()]
            if all(test is not None for test in tests):
                found = [one for one in found if all(test and test(one) for test in tests)]
        else:
            found = []
        try:
            limit = int(given.get("limit", 50))
        except (TypeError, ValueError):
            self.refuse(call, 422, "limit must be a number")
        return web.json_response([self._view(ticket) for ticket in found[:limit]])

    def _me(self, call: Call) -> web.Response:
        self._authorize(call)
        user = {"id": 2, "login": "agent@sandbox.example", "email": "agent@sandbox.example"}
        return web.json_response({**user, "active": True, "role_ids": [2]})

    def _users(self, call: Call) -> web.Response:
        self._authorize(call)
        word = call.query.get("query", "").lower()
        people = {**AGENTS, **self._customers}
        rows = [
            {"id": number, "login": login, "email": login, "active": True}
            for login, number in people.items()
            if word in login
        ]
        return web.json_response(rows)

    def _rows(self, known: dict[str, int]) -> Callable[[Call], web.Response]:
        def handler(call: Call) -> web.Response:
            self._authorize(call)
            rows = [{"id": n, "name": name, "active": True} for name, n in known.items()]
            return web.json_response(rows)

        return handler

    def _view(self, ticket: Ticket) -> dict[str, Any]:
        record = ticket.record
        ids = {f"{name}_id": known[record[name]] for name, known in LOOKUPS.items()}
        return {
            "id": int(ticket.id),
            "number": ticket.key,
            "title": ticket.title,
            **ids,
            "customer_id": record["customer_id"],
            "note": record.get("note"),
            "incident_id": record.get("incident_id"),
            "article_count": len(record["articles"]),
            "article_ids": [article["id"] for article in record["articles"]],
            "created_at": iso_time(ticket.opened_at),
            "updated_at": iso_time(ticket.updated_at),
        }


def _condition(name: str, test: Any) -> Callable[[Ticket], bool] | None:
    """One condition; None if it is malformed, and then the whole search finds everything."""
    if not isinstance(test, dict) or "operator" not in test:
        return None
    operator, value = test["operator"], test.get("value")
    values = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
    if name == "ticket.tags":
        wanted = set(values)
        tag_tests: dict[str, Callable[[Ticket], bool]] = {
            "contains all": lambda one: wanted <= set(one.record["tags"]),
            "contains one": lambda one: bool(wanted & set(one.record["tags"])),
            "contains all not": lambda one: not wanted <= set(one.record["tags"]),
            "contains one not": lambda one: not wanted & set(one.record["tags"]),
        }
        return tag_tests.get(operator)
    column = name.removeprefix("ticket.")
    if operator not in ("is", "is not") or column not in (
        "number",
        "title",
        "incident_id",
        *(f"{one}_id" for one in LOOKUPS),
    ):
        return None
    texts = {str(one) for one in values}

    def matches(ticket: Ticket) -> bool:
        own = column.removesuffix("_id")
        if column in ("number", "title"):
            have = str(ticket.key if column == "number" else ticket.title)
        elif own in LOOKUPS:
            have = str(LOOKUPS[own][ticket.record[own]])
        else:
            have = str(ticket.record.get(column))
        listed: bool = have in texts
        return listed if operator == "is" else not listed

    return matches
