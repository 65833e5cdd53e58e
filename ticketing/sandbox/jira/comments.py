"""Comments of issues."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.jira import fields
from ticketing.sandbox.jira.access import authorize, body_of, is_v3
from ticketing.sandbox.jira.adf import text_of
from ticketing.sandbox.jira.answers import refuse_fields
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Comments:
    """Adds comments to issues and lists them, oldest first."""

    def __init__(self, tickets: PlatformTickets, issues: Issues) -> None:
        self._tickets = tickets
        self._issues = issues

    def get(self, call: Call) -> web.Response:
        """GET issue/{key}/comment."""
        authorize(call)
        comments = self._issues.of(call).record["comments"]
        page = {"startAt": 0, "maxResults": 5000, "total": len(comments)}
        return web.json_response({**page, "comments": comments})

    def post(self, call: Call) -> web.Response:
        """POST issue/{key}/comment."""
        body = body_of(call)
        comment = self.add(call, self._issues.of(call), body.get("body"))
        return web.json_response(comment, status=201)

    def add(self, call: Call, ticket: Ticket, body: Any) -> dict[str, Any]:
        """Keep a comment; refuses an empty or malformed one."""
        problem = fields.long_text("body", body, is_v3(call))
        if problem or not text_of(body).strip():
            refuse_fields({"comment": problem or "Comment body can not be empty!"})
        comments = ticket.record["comments"]
        comment = {
            "id": str(20_000 + len(comments)),
            "body": body,
            "created": iso_time(self._tickets.now()),
        }
        comments.append(comment)
        self._tickets.note(ticket, f"comment: {text_of(body)[:200]}")
        return comment
