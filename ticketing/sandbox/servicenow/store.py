"""The incidents that ServiceNow keeps, with their journals."""

from __future__ import annotations

from datetime import datetime, timezone

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import fields
from ticketing.sandbox.servicenow.answers import refuse_unknown_row
from ticketing.sandbox.servicenow.directory import sys_id_of
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of

NUMBER_BEFORE_FIRST = 10_000
"""The first incident of a new instance is INC0010001."""


class Incidents:
    """Numbers new incidents, finds them by sys_id, and fills their derived columns."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self._tickets = tickets
        self.reset()

    def reset(self) -> None:
        """Start the numbers again."""
        self._last = NUMBER_BEFORE_FIRST

    def of(self, call: Call) -> Ticket:
        """The incident in the path; refuses with 404."""
        ticket = self._tickets.find(call.params["sys_id"])
        if ticket is None:
            refuse_unknown_row()
        return ticket

    def add(self, base_url: str, given: dict[str, str]) -> Ticket:
        """Keep a new incident with the given columns."""
        self._last += 1
        number = f"INC{self._last:07d}"
        ticket = Ticket(
            platform=self._tickets.platform,
            id=sys_id_of("incident", number),
            key=number,
            correlation=correlation_of(given.get("correlation_id", "")),
            title=given.get("short_description", ""),
        )
        ticket.url = f"{base_url}/nav_to.do?uri=incident.do?sys_id={ticket.id}"
        now = self._time()
        ticket.record = {**fields.COLUMNS, "sys_id": ticket.id, "number": number}
        ticket.record.update(opened_at=now, sys_created_on=now, journal=[])
        self._tickets.add(ticket, "created")
        self.change(ticket, given, "opened")
        return ticket

    def change(self, ticket: Ticket, given: dict[str, str], event: str) -> None:
        """Write journals and set columns, and note the columns with a new value."""
        row = ticket.record
        for journal in fields.JOURNALS:
            text = given.get(journal)
            if text:
                row["journal"].append({"element": journal, "value": text, "at": self._time()})
                self._tickets.note(ticket, f"{journal}: {text[:200]}")
        columns = {name: value for name, value in given.items() if name not in fields.JOURNALS}
        changed = {name: value for name, value in columns.items() if row.get(name) != value}
        row.update(columns)
        row["priority"] = fields.PRIORITY[row["impact"], row["urgency"]]
        row["active"] = "false" if row["state"] in fields.CLOSED else "true"
        row["incident_state"] = row["state"]
        row["sys_updated_on"] = self._time()
        ticket.title = row["short_description"]
        ticket.priority = row["priority"]
        if changed:
            said = ", ".join(f"{name} {value[:80]}" for name, value in sorted(changed.items()))
            self._tickets.note(ticket, f"{event}: {said}", fields.STATES[row["state"]])

    def _time(self) -> str:
        moment = datetime.fromtimestamp(self._tickets.now(), timezone.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")
