"""Outcomes of writes, which are accepted with 202 at once and asked for by request id."""

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
"""As many as the store keeps tickets; beyond, the oldest outcomes are forgotten."""


class Outcomes:
    """Keeps the outcome of each write and shows it after the processing time."""

    processing_seconds: float = 0.02
    """The age before which an outcome is answered with 404, in real time: long enough that the first
    question often comes too soon, as with OpsGenie, short enough for tests."""

    def __init__(self, tickets: PlatformTickets, answers: Answers, access: Access) -> None:
        self._tickets = tickets
        self._answers = answers
        self._access = access
        self.reset()

    def reset(self) -> None:
        """Forget all outcomes."""
        self._outcomes: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def accepted(self, action: str, ticket: Ticket | None, problem: str = "") -> web.Response:
        """Answer a write with 202; `problem` is the reason if the action could not be done."""
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
