"""Entity properties: JSON values that an app keeps with an issue."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from ticketing.sandbox.jira.access import authorize
from ticketing.sandbox.jira.answers import refuse
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets

# Jira's limits:
# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-properties/
KEY_CHARS_MAX = 255
VALUE_CHARS_MAX = 32_768


class Properties:
    """Reads and sets one property of an issue."""

    def __init__(self, tickets: PlatformTickets, issues: Issues) -> None:
        self._tickets = tickets
        self._issues = issues

    def get(self, call: Call) -> web.Response:
        """GET issue/{key}/properties/{property}."""
        authorize(call)
        properties, key = self._issues.of(call).record["properties"], call.params["property"]
        if key not in properties:
            refuse(404, f"The property with key '{key}' does not exist.")
        return web.json_response({"key": key, "value": properties[key]})

    def put(self, call: Call) -> web.Response:
        """PUT issue/{key}/properties/{property}."""
        authorize(call)
        ticket, key = self._issues.of(call), call.params["property"]
        _check(key, call.body)
        new = key not in ticket.record["properties"]
        ticket.record["properties"][key] = call.body
        self._tickets.note(ticket, f"property {key}")
        return web.json_response(None, status=201 if new else 200)


def checked_properties(given: Any) -> dict[str, Any]:
    """The properties sent with a new issue, by key; refuses malformed ones."""
    if not isinstance(given, list):
        refuse(400, "properties must be an array.")
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("key"), str):
            refuse(400, "A property needs a key.")
        _check(one["key"], one.get("value"))
    return {one["key"]: one.get("value") for one in given}


def _check(key: str, value: Any) -> None:
    if not 0 < len(key) <= KEY_CHARS_MAX:
        refuse(400, f"The property key must be 1 to {KEY_CHARS_MAX} characters long.")
    if len(json.dumps(value)) > VALUE_CHARS_MAX:
        refuse(400, "The property value is too long.")
