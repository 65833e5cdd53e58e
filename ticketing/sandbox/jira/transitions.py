"""Transitions of issues: the open ones of an issue, and the moves along them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.jira import directory, fields, workflow
from ticketing.sandbox.jira.access import authorize, body_of, is_v3
from ticketing.sandbox.jira.answers import refuse, refuse_fields
from ticketing.sandbox.jira.comments import Comments
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Transitions:
    """Moves issues along the workflow and refuses moves that the workflow does not have."""

    def __init__(self, tickets: PlatformTickets, issues: Issues, comments: Comments) -> None:
        self._tickets = tickets
        self._issues = issues
        self._comments = comments

    def get(self, call: Call) -> web.Response:
        """GET issue/{key}/transitions: the open ones, with their screens if expanded."""
        authorize(call)
        expanded = "transitions.fields" in call.query.get("expand", "")
        rows = []
        for number, (name, state, required) in workflow.available(
            self._issues.of(call).state
        ).items():
            row: dict[str, Any] = {"id": number, "name": name, "to": workflow.status_of(state)}
            row["hasScreen"] = bool(required)
            if expanded:
                row["fields"] = {field: _screen_field(field) for field in required}
            rows.append(row)
        return web.json_response({"expand": "transitions", "transitions": rows})

    def post(self, call: Call) -> web.Response:
        """POST issue/{key}/transitions: one move, with the fields that its screen requires."""
        body = body_of(call)
        ticket = self._issues.of(call)
        wanted = body.get("transition")
        number = wanted.get("id") if isinstance(wanted, dict) else None
        if not isinstance(number, (str, int)):
            refuse(400, "Missing 'transition' identifier")
        transition = workflow.available(ticket.state).get(str(number))
        if transition is None:
            refuse(400, f"Transition id '{number}' is not valid for this issue.")
        name, state, required = transition
        given = body.get("fields", {})
        problems = fields.field_problems(given, required, is_v3(call))
        missing = {one: f"{one.capitalize()} is required." for one in required if one not in given}
        if problems or missing:
            refuse_fields({**problems, **missing})
        for one in body.get("update", {}).get("comment", []):
            self._comments.add(call, ticket, (one.get("add") or {}).get("body"))
        self.move(ticket, state, f"transition '{name}'", given.get("resolution"))
        return web.Response(status=204)

    def move(self, ticket: Ticket, state: str, event: str, resolution: Any) -> None:
        """Put an issue into a state; only a resolved issue has a resolution."""
        ticket.record["resolution"] = resolution if state == "resolved" else None
        self._tickets.note(ticket, event, state)


def _screen_field(field: str) -> dict[str, Any]:
    return {
        "required": True,
        "name": field.capitalize(),
        "key": field,
        "schema": {"type": field, "system": field},
        "operations": ["set"],
        "allowedValues": directory.rows(directory.RESOLUTIONS),
    }
