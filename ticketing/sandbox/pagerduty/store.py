"""The incidents that PagerDuty keeps, and the open alerts among them."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.pagerduty import credentials
from ticketing.sandbox.pagerduty.answers import refuse
from ticketing.sandbox.pagerduty.directory import POLICIES, PRIORITIES, SERVICES, reference
from ticketing.sandbox.platform import iso_time
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of

STATES = {"open": "triggered", "acknowledged": "acknowledged", "resolved": "resolved"}
"""PagerDuty's status of an incident, by the sandbox's state of a ticket."""


class Incidents:
    """Keeps incidents, opened by an event or over REST, and shows them as PagerDuty does.

    An incident opened by an event holds the event's alert, whose key finds the incident until the
    alert is resolved.
    """

    def __init__(self, tickets: PlatformTickets) -> None:
        self._tickets = tickets
        self.reset()

    def reset(self) -> None:
        """Forget all incidents and alerts."""
        self._last = 0
        self._alerts: dict[tuple[str, str], str] = {}

    def forget(self, ticket: Ticket) -> None:
        """Free the deduplication keys of an incident that is resolved or gone."""
        for alert in ticket.record.get("_alerts", []):
            place = (alert["routing_key"], alert["key"])
            if self._alerts.get(place) == ticket.id:
                del self._alerts[place]

    def oldest_open(self, service: str) -> Ticket | None:
        """The oldest open incident of a service."""
        return next(
            (
                one
                for one in self._tickets.all()
                if one.record["service"] == service and one.state != "resolved"
            ),
            None,
        )

    def next_number(self) -> int:
        """The next incident number."""
        self._last += 1
        return self._last

    def find(self, incident_id: str) -> Ticket:
        """An incident by its id; refuses with 404."""
        ticket = self._tickets.find(incident_id)
        if ticket is None:
            refuse(404, "Not Found")
        return ticket

    def open_alert(self, routing_key: str, dedup_key: str) -> Ticket | None:
        """The incident of an open alert."""
        ticket_id = self._alerts.get((routing_key, dedup_key))
        return None if ticket_id is None else self._tickets.find(ticket_id)

    def new(self, key: str, title: str, service: str, urgency: str, details: str = "") -> Ticket:
        """An incident with the next number, not kept yet; `details` may hold our incident id."""
        number = self.next_number()
        ticket_id = f"Q{number:013X}"
        ticket = Ticket(
            platform=self._tickets.platform,
            id=ticket_id,
            key=key,
            correlation=correlation_of(key, details),
            title=title,
            url=f"{credentials.SITE}/incidents/{ticket_id}",
        )
        ticket.record = {
            "incident_number": number,
            "service": service,
            "urgency": urgency,
            "created_at": iso_time(self._tickets.now()),
            "escalation_policy": "PPOLICY1",
            "escalation_level": 1,
            "priority": None,
            "notes": [],
            "resolution": None,
        }
        return ticket

    def add_alert(self, ticket: Ticket, routing_key: str, event: dict[str, Any]) -> None:
        """Keep a new incident with the alert that opened it."""
        ticket.record["_alerts"] = [_alert(routing_key, ticket.key, event)]
        self._alerts[routing_key, ticket.key] = ticket.id
        ticket.alarms += 1
        self._tickets.add(ticket, f"triggered, {ticket.priority}")

    def join_alert(
        self, ticket: Ticket, routing_key: str, dedup_key: str, event: dict[str, Any]
    ) -> None:
        """Add an alert to an open incident."""
        ticket.record["_alerts"].append(_alert(routing_key, dedup_key, event))
        self._alerts[routing_key, dedup_key] = ticket.id
        self._tickets.note(ticket, f"alert {dedup_key} joined")

    def log_event(self, ticket: Ticket, dedup_key: str, payload: dict[str, Any]) -> None:
        """Write a repeated event into the log of its alert."""
        for alert in ticket.record["_alerts"]:
            if alert["key"] == dedup_key:
                alert["log"].append(payload)

    def resolve_alert(self, ticket: Ticket, dedup_key: str) -> None:
        """Resolve an alert, and its incident if it was the last open one."""
        for alert in ticket.record["_alerts"]:
            if alert["key"] == dedup_key:
                alert["status"] = "resolved"
                self._alerts.pop((alert["routing_key"], dedup_key), None)
        if all(alert["status"] == "resolved" for alert in ticket.record["_alerts"]):
            self.move(ticket, "resolved", "resolved by an event")

    def move(self, ticket: Ticket, state: str, event: str) -> None:
        """Change a state. Keys of resolved alerts are free for new alerts, reopened ones' are not."""
        self._tickets.note(ticket, event, state)
        if state == "resolved":
            ticket.record["resolved_at"] = iso_time(self._tickets.now())
            self.forget(ticket)
        for alert in ticket.record.get("_alerts", []):
            if state == "resolved":
                alert["status"] = "resolved"
            else:
                self._alerts.setdefault((alert["routing_key"], alert["key"]), ticket.id)

    def change(self, ticket: Ticket, wanted: dict[str, Any]) -> None:
        """Set fields of an incident, and note the fields with a new value."""
        for field in ("escalation_policy", "priority"):
            if field in wanted:
                ticket.record[field] = wanted[field]["id"]
                self._tickets.note(ticket, f"{field} {wanted[field]['id']}")
        for field in ("urgency", "escalation_level", "resolution"):
            if field in wanted and ticket.record[field] != wanted[field]:
                ticket.record[field] = wanted[field]
                self._tickets.note(ticket, f"{field} {wanted[field]}")
        ticket.title = wanted.get("title", ticket.title)

    def view(self, ticket: Ticket) -> dict[str, Any]:
        """An incident as PagerDuty shows it."""
        record = ticket.record
        priority = record["priority"]
        policy = record["escalation_policy"]
        return {
            "id": ticket.id,
            "type": "incident",
            "summary": f"[#{record['incident_number']}] {ticket.title}",
            "title": ticket.title,
            "html_url": ticket.url,
            "incident_number": record["incident_number"],
            "incident_key": ticket.key or None,
            "status": STATES[ticket.state],
            "urgency": record["urgency"],
            "created_at": record["created_at"],
            "updated_at": iso_time(ticket.updated_at),
            "resolved_at": record.get("resolved_at") if ticket.state == "resolved" else None,
            "service": reference(record["service"], "service", SERVICES),
            "escalation_policy": reference(policy, "escalation_policy", POLICIES),
            "priority": priority and reference(priority, "priority", PRIORITIES),
            "assignments": [],
            "acknowledgements": [],
            "teams": [],
            "alert_counts": _counts(record.get("_alerts", [])),
        }


def _alert(routing_key: str, key: str, event: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "routing_key": routing_key, "body": event, "status": "triggered", "log": []}


def _counts(alerts: list[dict[str, Any]]) -> dict[str, int]:
    resolved = sum(alert["status"] == "resolved" for alert in alerts)
    return {"all": len(alerts), "triggered": len(alerts) - resolved, "resolved": resolved}
