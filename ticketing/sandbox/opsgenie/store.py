"""The alerts that OpsGenie keeps: by id, by tiny id, and while open by alias."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of


class Alerts:
    """Keeps new alerts, finds them again, and shows them as OpsGenie does."""

    def __init__(self, tickets: PlatformTickets, answers: Answers) -> None:
        self._tickets = tickets
        self._answers = answers
        self.reset()

    def reset(self) -> None:
        """Forget all alerts."""
        self._open: dict[str, str] = {}
        self._tiny: dict[str, str] = {}

    def forget(self, ticket: Ticket) -> None:
        """Free the alias and the tiny id of an alert that is gone."""
        self._free_alias(ticket)
        self._tiny.pop(ticket.record.get("tinyId", ""), None)

    def _free_alias(self, ticket: Ticket) -> None:
        if self._open.get(ticket.key) == ticket.id:
            del self._open[ticket.key]

    def open_with(self, alias: str) -> Ticket | None:
        """The open alert of an alias."""
        return self._tickets.find(self._open.get(alias, ""))

    def of(self, call: Call, open_only: bool) -> Ticket | None:
        """The alert in the call, by id, tiny id or alias; None if there is none.

        An alias stands for the open alert or, unless `open_only`, for the last one.
        """
        wanted = call.params.get("id") or call.query.get("alias", "")
        by_alias = "id" not in call.params
        kind = "alias" if by_alias else call.query.get("identifierType", "id")
        if kind not in ("id", "alias", "tiny"):
            self._answers.refuse(422, "identifierType must be id, alias or tiny")
        if kind == "tiny":
            return self._tickets.find(self._tiny.get(wanted, ""))
        if kind == "id":
            return self._tickets.find(wanted)
        ticket = self.open_with(wanted)
        if ticket is None and not open_only:
            same = [one for one in self._tickets.all() if one.key == wanted]
            ticket = same[-1] if same else None
        return ticket

    def add(self, given: dict[str, Any]) -> Ticket:
        """Keep a new alert, whose id serves as a missing alias."""
        alias = given.get("alias") or ""
        ticket_id = self._answers.new_id()
        ticket = Ticket(
            platform=self._tickets.platform,
            id=ticket_id,
            key=alias or ticket_id,
            correlation=correlation_of(alias, *given.get("tags", [])),
            title=given["message"],
            priority=given.get("priority", "P3"),
            url=f"https://sandbox.opsgenie.example/alert/detail/{ticket_id}/details",
        )
        ticket.record = {
            "tinyId": str(self._answers.last),
            "count": 1,
            "notes": [],
            "owner": "",
            "tags": [],
            "details": {},
            "responders": [],
            "description": "",
            **given,
        }
        self._open[ticket.key] = ticket_id
        self._tiny[ticket.record["tinyId"]] = ticket_id
        ticket.alarms += 1
        return self._tickets.add(ticket, f"created, {ticket.priority}")

    def close(self, ticket: Ticket, event: str) -> None:
        """Close an alert and free its alias."""
        self._free_alias(ticket)
        self._tickets.note(ticket, event, "resolved")

    def view(self, ticket: Ticket) -> dict[str, Any]:
        """An alert as OpsGenie shows it."""
        record = ticket.record
        return {
            "id": ticket.id,
            "tinyId": record["tinyId"],
            "alias": ticket.key,
            "message": ticket.title,
            "status": "closed" if ticket.state == "resolved" else "open",
            "acknowledged": ticket.state == "acknowledged",
            "isSeen": False,
            "snoozed": False,
            "tags": record["tags"],
            "count": record["count"],
            "source": record.get("source", "API"),
            "owner": record["owner"],
            "priority": ticket.priority,
            "responders": record["responders"],
            "description": record["description"],
            "details": record["details"],
            "entity": record.get("entity", ""),
            "createdAt": iso_time(ticket.opened_at),
            "updatedAt": iso_time(ticket.updated_at),
        }
