"""Notes of alerts."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.opsgenie import rules
from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.doors import is_operations
from ticketing.sandbox.opsgenie.tickets import AlertCalls
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Notes:
    """Adds notes to alerts and lists them."""

    def __init__(
        self, tickets: PlatformTickets, calls: AlertCalls, answers: Answers, access: Access
    ) -> None:
        self._tickets = tickets
        self._calls = calls
        self._answers = answers
        self._access = access

    def get(self, call: Call) -> web.Response:
        """GET alerts/{id}/notes, the newest first unless `order` says otherwise.

        JSM operations, which promise no order, list the oldest first.
        """
        notes = self._calls.known(call).record["notes"]
        if call.query.get("order", "desc") == "desc" and not is_operations(call):
            notes = notes[::-1]
        return self._answers.page(call, notes, by_cursor=True)

    def post(self, call: Call) -> web.Response:
        """POST alerts/{id}/notes of JSM operations: writes the note at once and returns it."""
        given = self._access.body_of(call, rules.JSM_NOTE)
        ticket = self._calls.known(call)
        self.add(ticket, given["note"])
        return self._answers.read(call, ticket.record["notes"][-1])

    def add(self, ticket: Ticket, text: str) -> None:
        """Keep a note."""
        note = {"note": text, "createdAt": iso_time(self._tickets.now()), "owner": "API"}
        ticket.record["notes"].append(note)
        self._tickets.note(ticket, f"note: {text[:200]}")
