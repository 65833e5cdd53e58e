"""Alerts over HTTP: create, read, delete. Changes are in `actions`."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.opsgenie import rules
from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.directory import unknown_responder
from ticketing.sandbox.opsgenie.outcomes import Outcomes
from ticketing.sandbox.opsgenie.store import Alerts
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class AlertCalls:
    """The calls that create, read and delete whole alerts."""

    def __init__(
        self,
        tickets: PlatformTickets,
        alerts: Alerts,
        answers: Answers,
        access: Access,
        outcomes: Outcomes,
    ) -> None:
        self._tickets = tickets
        self._alerts = alerts
        self._answers = answers
        self._access = access
        self._outcomes = outcomes

    def create(self, call: Call) -> web.Response:
        """POST alerts: opens an alert, or counts the open alert with the alias once more."""
        given = self._access.body_of(call, rules.CREATE)
        problem = unknown_responder(given.get("responders", []))
        if problem:
            return self._outcomes.accepted("Create", None, problem)
        known = self._alerts.open_with(given.get("alias") or "")
        if known is None:
            return self._outcomes.accepted("Create", self._alerts.add(given))
        known.repeats += 1
        known.record["count"] += 1
        self._tickets.note(known, f"created again, count {known.record['count']}")
        return self._outcomes.accepted("Create", known)

    def get(self, call: Call) -> web.Response:
        """GET alerts/{id}."""
        return self._answers.read(call, self._alerts.view(self.known(call)))

    def delete(self, call: Call) -> web.Response:
        """DELETE alerts/{id}."""
        ticket = self.known(call)
        self._alerts.forget(ticket)
        self._tickets.note(ticket, "deleted over REST", "deleted")
        return self._outcomes.accepted("Delete", ticket)

    def known(self, call: Call) -> Ticket:
        """The alert of an authorized call, open or closed; refuses with 404."""
        self._access.authorize(call)
        ticket = self._alerts.of(call, open_only=False)
        if ticket is None:
            self._answers.refuse(404, "Alert does not exist")
        return ticket
