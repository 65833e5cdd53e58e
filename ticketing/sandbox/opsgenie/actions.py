"""Actions on alerts: acknowledge, close, escalate, assign, and changes of single fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from ticketing.sandbox.checks import Record
from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.comments import Notes
from ticketing.sandbox.opsgenie.directory import unknown_responder
from ticketing.sandbox.opsgenie.outcomes import Outcomes
from ticketing.sandbox.opsgenie.store import Alerts
from ticketing.sandbox.platform import Call, Handler
from ticketing.sandbox.tickets import PlatformTickets, Ticket

Performer = Callable[[Ticket, dict[str, Any]], str]
"""Does an action with the body sent; returns the reason if it can't, else an empty string."""


class Actions:
    """Does one action on an open alert; notes, tags and details also on a closed one."""

    def __init__(
        self,
        tickets: PlatformTickets,
        alerts: Alerts,
        access: Access,
        outcomes: Outcomes,
        notes: Notes,
    ) -> None:
        self._tickets = tickets
        self._alerts = alerts
        self._access = access
        self._outcomes = outcomes
        self._notes = notes

    def handler(self, action: str, rule: Record) -> Handler:
        """POST, PUT or PATCH of alerts/{id}/{action}, with a body that obeys the rule."""

        def handler(call: Call) -> web.Response:
            given = self._access.body_of(call, rule)
            ticket = self._alerts.of(call, open_only=True)
            if ticket is None:
                return self._outcomes.accepted(action, None, "Alert does not exist")
            return self._outcomes.accepted(action, ticket, self._perform(ticket, action, given))

        return handler

    def _perform(self, ticket: Ticket, action: str, given: dict[str, Any]) -> str:
        if ticket.state == "resolved" and action not in ("notes", "tags", "details"):
            return "Alert is already closed"
        performers: dict[str, Performer] = {
            "acknowledge": self._acknowledge,
            "unacknowledge": self._unacknowledge,
            "close": self._close,
            "escalate": self._escalate,
            "assign": self._assign,
            "responders": self._add_responders,
        }
        problem = performers.get(action, self._change)(ticket, given)
        if not problem and given.get("note"):
            self._notes.add(ticket, given["note"])
        return problem

    def _acknowledge(self, ticket: Ticket, given: dict[str, Any]) -> str:
        if ticket.state == "acknowledged":
            return "Alert is already acknowledged"
        self._tickets.note(ticket, "acknowledged", "acknowledged")
        return ""

    def _unacknowledge(self, ticket: Ticket, given: dict[str, Any]) -> str:
        if ticket.state == "acknowledged":
            ticket.alarms += 1
        self._tickets.note(ticket, "unacknowledged", "open")
        return ""

    def _close(self, ticket: Ticket, given: dict[str, Any]) -> str:
        self._alerts.close(ticket, "closed")
        return ""

    def _escalate(self, ticket: Ticket, given: dict[str, Any]) -> str:
        named = given.get("escalation", {})
        wanted = given.get("escalationId") or named.get("id") or named.get("name", "")
        problem = unknown_responder([{"type": "escalation", "id": wanted}])
        if not problem:
            self._tickets.note(ticket, f"escalated to {wanted}")
        return problem

    def _assign(self, ticket: Ticket, given: dict[str, Any]) -> str:
        named = given.get("owner", {})
        wanted = given.get("accountId") or named.get("id") or named.get("username", "")
        problem = unknown_responder([{"type": "user", "id": wanted}])
        if not problem:
            ticket.record["owner"] = wanted
            self._tickets.note(ticket, f"assigned to {wanted}")
        return problem

    def _add_responders(self, ticket: Ticket, given: dict[str, Any]) -> str:
        wanted = given.get("responders") or [given["responder"]]
        problem = unknown_responder(wanted)
        if not problem:
            ticket.record["responders"] = [*ticket.record["responders"], *wanted]
            self._tickets.note(ticket, f"responders added: {len(wanted)}")
        return problem

    def _change(self, ticket: Ticket, given: dict[str, Any]) -> str:
        for name in ("message", "description", "priority"):
            if name in given:
                ticket.record[name] = given[name]
                self._tickets.note(ticket, f"{name}: {given[name][:200]}")
        ticket.title = ticket.record["message"]
        ticket.priority = ticket.record.get("priority", "P3")
        tags = dict.fromkeys([*ticket.record["tags"], *given.get("tags", [])])
        ticket.record["tags"] = list(tags)
        details = given.get("details") or given.get("extraProperties") or {}
        ticket.record["details"] = {**ticket.record["details"], **details}
        return ""
