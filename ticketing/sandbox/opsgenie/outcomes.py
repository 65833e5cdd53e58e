"""The outcome of a write: accepted with 202 at once, to be asked for by its request's id."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from aiohttp import web

from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket

OUTCOMES_MAX = 50_000
"""Beyond these the oldest outcomes are forgotten: as many as the store keeps tickets."""


class Outcomes:
    """Keeps each write's outcome, and tells it after the processing time."""

    processing_seconds: float = 0.02
    """An outcome's age before which it is 404; in real time, as an answer takes."""

    def __init__(self, tickets: PlatformTickets, answers: Answers, access: Access) -> None:
        self._tickets = tickets
        self._answers = answers
        self._access = access
        self.reset()

    def reset(self) -> None:
        """No outcomes."""
        self._outcomes: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def accepted(self, action: str, ticket: Ticket | None, problem: str = "") -> web.Response:
        """202; `problem` is the reason if the action could not be done."""
        request_id = self._answers.new_id()
        self._outcomes[request_id] = {
            "due": time.monotonic() + self.processing_seconds,
            "data": {
                "success": not problem,
                "isSuccess": not problem,
                "action": action,
                "processedAt": iso_time(self._tickets.now()),
                "integrationId": "00000000-0000-4000-8000-0000000000aa",
                "status": problem or f"{action}: done",
                "alertId": "" if ticket is None else ticket.id,
                "alias": "" if ticket is None else ticket.key,
            },
        }
        if len(self._outcomes) > OUTCOMES_MAX:
            self._outcomes.popitem(last=False)
        body = {"result": "Request will be processed", "took": 0.01, "requestId": request_id}
        return web.json_response(body, status=202)

    def get(self, call: Call) -> web.Response:
        """GET alerts/requests/{request}: 404 until the request is processed."""
        self._access.authorize(call)
        outcome = self._outcomes.get(call.params["request"])
        if outcome is None or outcome["due"] > time.monotonic():
            self._answers.refuse(404, "Request not found. It might not be processed, yet.")
        return self._answers.read(call, outcome["data"])
