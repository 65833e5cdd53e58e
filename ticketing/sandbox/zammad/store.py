"""The tickets that Zammad keeps, by number."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of
from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.directory import LOOKUPS

STATES = {
    "new": "open",
    "open": "acknowledged",
    "pending reminder": "acknowledged",
    "closed": "resolved",
}
"""The sandbox's state of a ticket, by Zammad's."""
KEYS = ("note", "incident_id")
"""Columns that may hold our incident id, beside the tags."""
NUMBER_BEFORE_FIRST = 10_000
"""Keeps numbers and ids apart, so that a test sees which of the two was used."""


class ZammadTickets:
    """Numbers new tickets, finds them again, and shows them as Zammad does."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self._tickets = tickets
        self.reset()

    def reset(self) -> None:
        """Start the numbers again."""
        self._last = 0

    def find(self, ticket_id: Any) -> Ticket:
        """A ticket by its id; refuses with 404."""
        ticket = self._tickets.find(str(ticket_id))
        if ticket is None:
            refuse(404, f"Couldn't find Ticket with 'id'={ticket_id}")
        return ticket

    def free_number(self, wanted: Any) -> str:
        """The number for a new ticket: the wanted one, else the next. Refuses a taken number."""
        number = str(wanted or NUMBER_BEFORE_FIRST + self._last + 1)
        if any(one.key == number for one in self._tickets.all()):
            refuse(422, "This object already exists.")
        return number

    def add(
        self, base_url: str, number: str, fields: dict[str, Any], customer: int, tags: list[str]
    ) -> Ticket:
        """Keep a new ticket without articles."""
        self._last += 1
        ticket = Ticket(
            platform=self._tickets.platform,
            id=str(self._last),
            key=number,
            correlation=correlation_of(*tags, *(str(fields.get(n) or "") for n in KEYS)),
            title=fields["title"],
            url=f"{base_url}/#ticket/zoom/{self._last}",
        )
        ticket.record = {
            "state": "new",
            "priority": "2 normal",
            "owner": "-",
            **fields,
            "customer_id": customer,
            "tags": tags,
            "articles": [],
        }
        return self._tickets.add(ticket, f"created, {ticket.record['priority']}")

    def change(self, ticket: Ticket, fields: dict[str, Any], event: str) -> None:
        """Set fields of a ticket, and note the fields with a new value."""
        changed = {k: v for k, v in fields.items() if ticket.record.get(k) != v}
        ticket.record.update(fields)
        ticket.title = ticket.record["title"]
        ticket.priority = ticket.record["priority"]
        ticket.state = STATES[ticket.record["state"]]
        if changed:
            said = ", ".join(f"{name} {value}" for name, value in sorted(changed.items()))
            self._tickets.note(ticket, f"{event}: {said}")


def expands(call: Call) -> bool:
    """True for a call that asks for names, in its query or its body."""
    body = call.body if isinstance(call.body, dict) else {}
    return "true" in (call.query.get("expand"), str(body.get("expand")).lower())


def view(ticket: Ticket, call: Call) -> dict[str, Any]:
    """A ticket as Zammad shows it: ids, and with `expand=true` names beside them."""
    record = ticket.record
    names = {name: record[name] for name in LOOKUPS} if expands(call) else {}
    ids = {f"{name}_id": known[record[name]] for name, known in LOOKUPS.items()}
    return {
        "id": int(ticket.id),
        "number": ticket.key,
        "title": ticket.title,
        **ids,
        **names,
        "customer_id": record["customer_id"],
        "note": record.get("note"),
        "incident_id": record.get("incident_id"),
        "article_count": len(record["articles"]),
        "article_ids": [article["id"] for article in record["articles"]],
        "created_at": iso_time(ticket.opened_at),
        "updated_at": iso_time(ticket.updated_at),
    }
