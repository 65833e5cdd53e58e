"""The issues that Jira keeps, by key and by id."""

from __future__ import annotations

import json
from typing import Any

from ticketing.sandbox.jira import directory, fields
from ticketing.sandbox.jira.answers import refuse
from ticketing.sandbox.jira.workflow import status_of
from ticketing.sandbox.platform import Call, iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of, incident_id_in


class Issues:
    """Numbers new issues, finds them again, and shows them as Jira does."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self._tickets = tickets
        self.reset()

    def reset(self) -> None:
        """Forget all issues and start the numbers again."""
        self._last = 0
        self._keys: dict[str, str] = {}

    def forget(self, ticket: Ticket) -> None:
        """Free the id of an issue that is gone."""
        self._keys.pop(ticket.record.get("id", ""), None)

    def of(self, call: Call) -> Ticket:
        """The issue in the path, by key or id; refuses with 404."""
        wanted = call.params["key"]
        ticket = self._tickets.find(self._keys.get(wanted, wanted.upper()))
        if ticket is None:
            refuse(404, "Issue does not exist or you do not have permission to see it.")
        return ticket

    def add(self, base_url: str, given: dict[str, Any], properties: dict[str, Any]) -> Ticket:
        """Keep a new issue with the given fields and entity properties."""
        self._last += 1
        project = fields.named(directory.PROJECTS, given["project"])["name"]
        key, number = f"{project}-{self._last}", str(10_000 + self._last)
        labels = given.get("labels", [])
        ticket = Ticket(
            platform=self._tickets.platform,
            id=key,
            key=key,
            correlation=incident_id_in(*labels, json.dumps(properties)) or correlation_of(*labels),
            title=given["summary"],
            url=f"{base_url}/browse/{key}",
        )
        ticket.record = {
            "id": number,
            "fields": {"labels": [], "priority": {"name": "Medium"}, **given},
            "properties": properties,
            "comments": [],
            "links": {},
            "resolution": None,
        }
        ticket.priority = _priority(ticket)
        self._keys[number] = key
        return self._tickets.add(ticket, f"created, {ticket.priority}")

    def change(self, ticket: Ticket, changes: dict[str, Any]) -> None:
        """Set fields of an issue, and note the fields with a new value."""
        before = ticket.record["fields"]
        changed = [name for name, value in changes.items() if before.get(name) != value]
        ticket.record["fields"] = {**before, **changes}
        ticket.title = ticket.record["fields"]["summary"]
        ticket.priority = _priority(ticket)
        said = ", ".join(f"priority {ticket.priority}" if n == "priority" else n for n in changed)
        self._tickets.note(ticket, f"edited: {said or 'nothing new'}")

    def view(self, call: Call, ticket: Ticket) -> dict[str, Any]:
        """An issue with all its fields."""
        record = ticket.record
        return {
            "id": record["id"],
            "key": ticket.key,
            "self": f"{call.base_url}/rest/api/3/issue/{record['id']}",
            "fields": {
                **record["fields"],
                "status": status_of(ticket.state),
                "resolution": record["resolution"],
                "created": iso_time(ticket.opened_at),
                "updated": iso_time(ticket.updated_at),
                "comment": {"comments": record["comments"], "total": len(record["comments"])},
            },
        }


def _priority(ticket: Ticket) -> str:
    given = ticket.record["fields"]["priority"]
    return fields.named(directory.PRIORITIES, given)["name"]
