"""The teams, schedules, escalations and people that OpsGenie knows, and the paths that list them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.opsgenie import credentials
from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.doors import is_operations
from ticketing.sandbox.platform import Call, Handler

TEAMS = {credentials.TEAM: "t-0001", "Management": "t-0002"}
ESCALATIONS = {credentials.ESCALATION: "e-0001", "Management escalation": "e-0002"}
SCHEDULES = {credentials.SCHEDULE: "s-0001"}
USERS = {"alice@sandbox.example": "u-0001", "bob@sandbox.example": "u-0002"}
KNOWN = {"team": TEAMS, "escalation": ESCALATIONS, "schedule": SCHEDULES, "user": USERS}
"""The ids of responders by name, by kind of responder."""


def unknown_responder(responders: list[dict[str, Any]]) -> str:
    """OpsGenie's error for the first unknown responder, or an empty string."""
    for one in responders:
        known = KNOWN[one["type"]]
        wanted = one.get("id") or one.get("name") or one.get("username")
        if wanted not in known and wanted not in known.values():
            return f"No {one['type']} found: {wanted}"
    return ""


class Directory:
    """Lists one kind of entry, or finds one by id or name."""

    def __init__(self, answers: Answers, access: Access) -> None:
        self._answers = answers
        self._access = access

    def list_of(self, kind: str) -> Handler:
        """GET of all entries of a kind, narrowed by `query`."""

        def handler(call: Call) -> web.Response:
            self._access.authorize(call)
            word = call.query.get("query", "").lower()
            rows = [(name, key) for name, key in KNOWN[kind].items() if word in name.lower()]
            if kind == "team" and is_operations(call):
                teams = [{"teamId": key, "teamName": name} for name, key in rows]
                return web.json_response({"platformTeams": teams, "links": {}})
            return self._answers.page(call, [{"id": key, "name": name} for name, key in rows])

        return handler

    def accounts(self, call: Call) -> web.Response:
        """GET user/bulk of the Jira Cloud to which JSM belongs: names by account id."""
        if call.basic != (credentials.JSM_USER, credentials.JSM_API_TOKEN):
            self._answers.refuse(401, "Unauthorized")
        wanted = call.query.getall("accountId", [])
        names = {key: name for name, key in USERS.items()}
        found = [{"accountId": key, "displayName": names[key]} for key in wanted if key in names]
        return web.json_response({"values": found, "total": len(found), "isLast": True})

    def one_of(self, kind: str) -> Handler:
        """GET of one entry of a kind."""

        def handler(call: Call) -> web.Response:
            self._access.authorize(call)
            name, key = self.find(call, kind)
            return self._answers.read(call, {"id": key, "name": name})

        return handler

    def find(self, call: Call, kind: str) -> tuple[str, str]:
        """The name and id of the entry in the path, which has the name if the call says so."""
        wanted = call.params["id"]
        types = (call.query.get("identifierType"), call.query.get(f"{kind}IdentifierType"))
        by_name = "name" in types and not is_operations(call)
        for name, key in KNOWN[kind].items():
            if wanted == (name if by_name else key):
                return name, key
        manner = "name" if by_name else "id"
        self._answers.refuse(404, f"No {kind} exists with {manner} [{wanted}]")
