"""Issues over HTTP: create, read, update, assign, delete."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.jira import directory, fields
from ticketing.sandbox.jira.access import authorize, body_of, is_cloud, is_v3
from ticketing.sandbox.jira.answers import refuse, refuse_fields
from ticketing.sandbox.jira.behaviours import JiraBehaviours
from ticketing.sandbox.jira.comments import Comments
from ticketing.sandbox.jira.properties import checked_properties
from ticketing.sandbox.jira.screens import on_screen
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket

EDIT_SCREEN = frozenset(fields.CREATE_FIELDS) - {"project", "issuetype"}


class IssueCalls:
    """The calls that create, read and change whole issues."""

    def __init__(
        self,
        tickets: PlatformTickets,
        issues: Issues,
        comments: Comments,
        behaviours: JiraBehaviours,
    ) -> None:
        self._tickets = tickets
        self._behaviours = behaviours
        self._issues = issues
        self._comments = comments

    def create(self, call: Call) -> web.Response:
        """POST issue."""
        body = body_of(call)
        given = body.get("fields")
        if not isinstance(given, dict):
            refuse(400, "fields is required.")
        problems = fields.field_problems(given, on_screen(self._behaviours), is_v3(call))
        for name, (label, required, _) in fields.CREATE_FIELDS.items():
            if required and name not in given:
                problems[name] = f"{label} is required."
        if problems:
            refuse_fields(problems)
        self._validate(given)
        properties = checked_properties(body.get("properties", []))
        ticket = self._issues.add(call.base_url, given, properties)
        answer = {
            "id": ticket.record["id"],
            "key": ticket.key,
            "self": f"{call.base_url}/rest/api/3/issue/{ticket.record['id']}",
        }
        return web.json_response(answer, status=201)

    def get(self, call: Call) -> web.Response:
        """GET issue/{key}."""
        authorize(call)
        ticket = self._issues.of(call)
        view = self._issues.view(call, ticket)
        wanted = call.query.get("fields")
        if wanted and wanted != "*all":
            names = wanted.split(",")
            view["fields"] = {k: v for k, v in view["fields"].items() if k in names}
        if "properties" in call.query:
            view["properties"] = ticket.record["properties"]
        return web.json_response(view)

    def update(self, call: Call) -> web.Response:
        """PUT issue/{key}: new values in `fields`, operations and comments in `update`."""
        body = body_of(call)
        ticket = self._issues.of(call)
        given = body.get("fields", {})
        update = body.get("update", {})
        if not isinstance(given, dict) or not isinstance(update, dict):
            refuse(400, "fields and update must be objects.")
        doubled = {name: f"Field '{name}' cannot appear in both" for name in given.keys() & update}
        if doubled:
            refuse_fields(doubled)
        comments = update.pop("comment", [])
        merged = {**given, **_operated(ticket, update)}
        screen = EDIT_SCREEN & set(on_screen(self._behaviours))
        problems = fields.field_problems(merged, screen, is_v3(call))
        if problems:
            refuse_fields(problems)
        self._validate(merged)
        for one in comments:
            self._comments.add(call, ticket, (one.get("add") or {}).get("body"))
        self._issues.change(ticket, merged)
        return web.Response(status=204)

    def _validate(self, given: dict[str, Any]) -> None:
        """Refuse the fields that validators refuse, after Jira's own checks."""
        for name in self._behaviours.refuses_in_turn.split(","):
            if name in given:
                refuse_fields({name: f"Field '{name}' is not valid here."})
        if given.keys() & set(self._behaviours.refuses_unnamed.split(",")):
            refuse(400, "A validator of the workflow does not allow these values.")

    def assign(self, call: Call) -> web.Response:
        """PUT issue/{key}/assignee; "-1" stands for the project's default."""
        body = body_of(call)
        ticket = self._issues.of(call)
        name = "accountId" if is_cloud(call) else "name"
        if name not in body:
            refuse_fields({"assignee": f"{name} is required."})
        if body[name] == "-1":
            body = {name: directory.DEFAULT_ASSIGNEE if name == "accountId" else "alice"}
        value = None if body[name] is None else {name: body[name]}
        if problem := fields.user("assignee", value, is_cloud(call)):
            refuse_fields({"assignee": problem})
        self._issues.change(ticket, {"assignee": value})
        return web.Response(status=204)

    def delete(self, call: Call) -> web.Response:
        """DELETE issue/{key}."""
        authorize(call)
        ticket = self._issues.of(call)
        self._issues.forget(ticket)
        self._tickets.note(ticket, "deleted over REST", "deleted")
        return web.Response(status=204)


def _operated(ticket: Ticket, update: dict[str, Any]) -> dict[str, Any]:
    """The new value of every field that an `update` changes by operations."""
    merged: dict[str, Any] = {}
    for name, operations in update.items():
        value = ticket.record["fields"].get(name)
        for operation in operations if isinstance(operations, list) else [{}]:
            (verb, operand), *more = (operation or {"": None}).items()
            if verb == "set" and not more:
                value = operand
            elif verb == "add" and isinstance(value, list) and not more:
                value = [one for one in value if one != operand] + [operand]
            elif verb == "remove" and isinstance(value, list) and not more:
                value = [one for one in value if one != operand]
            else:
                refuse_fields({name: f"Field '{name}' does not support '{verb}'"})
        merged[name] = value
    return merged
