"""The person on call in a schedule."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.directory import USERS, Directory
from ticketing.sandbox.opsgenie.doors import is_operations
from ticketing.sandbox.platform import Call


class OnCall:
    """Answers the first known user: by name on OpsGenie, by id on JSM operations."""

    def __init__(self, answers: Answers, access: Access, directory: Directory) -> None:
        self._answers = answers
        self._access = access
        self._directory = directory

    def get(self, call: Call) -> web.Response:
        """GET schedules/{id}/on-calls."""
        self._access.authorize(call)
        _, schedule = self._directory.find(call, "schedule")
        flat = call.query.get("flat") == "true"
        name, user = next(iter(USERS.items()))
        if is_operations(call):
            if flat:
                return web.json_response({"onCallUsers": [user]})
            return web.json_response({"onCallParticipants": [{"id": user, "type": "user"}]})
        found = {"onCallRecipients": [name]} if flat else {"onCallParticipants": [{"name": name}]}
        return self._answers.read(call, {"_parent": {"id": schedule, "enabled": True}, **found})
