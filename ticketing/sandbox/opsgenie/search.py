"""The search for alerts by terms such as `alias: x` or `tag=y`, all of which must match."""

from __future__ import annotations

import re

from aiohttp import web

from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.store import Alerts
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket

_TERM = re.compile(r'(\w+)\s*[:=]\s*(?:"([^"]*)"|(\S+))')


class Search:
    """Lists alerts, the newest first."""

    def __init__(
        self, tickets: PlatformTickets, alerts: Alerts, answers: Answers, access: Access
    ) -> None:
        self._tickets = tickets
        self._alerts = alerts
        self._answers = answers
        self._access = access

    def get(self, call: Call) -> web.Response:
        """GET alerts."""
        self._access.authorize(call)
        terms = {
            name.lower(): quoted or word
            for name, quoted, word in _TERM.findall(call.query.get("query", ""))
        }
        found = [
            self._alerts.view(ticket)
            for ticket in reversed(self._tickets.all())
            if all(self._fits(ticket, name, value) for name, value in terms.items())
        ]
        return self._answers.page(call, found)

    def _fits(self, ticket: Ticket, name: str, value: str) -> bool:
        view = self._alerts.view(ticket)
        if name == "tag":
            return value in view["tags"]
        return str(view.get(name, "")).lower() == value.lower()
