"""The Events API v2: alerts by routing key and deduplication key, and change events.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from ticketing.sandbox.checks import Record
from ticketing.sandbox.pagerduty import rules
from ticketing.sandbox.pagerduty.answers import event_failure, refuse_event
from ticketing.sandbox.pagerduty.behaviours import PagerDutyBehaviours
from ticketing.sandbox.pagerduty.directory import SERVICE_OF
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.platform import MALFORMED, Call, Refusal
from ticketing.sandbox.tickets import PlatformTickets, Ticket

EVENT_BYTES_MAX = 512_000
"""The documented 512 KB, read as thousands: the stricter reading."""
URGENCY = {"critical": "high", "error": "high", "warning": "low", "info": "low"}
"""An incident's urgency by the severity of its alert."""


class Events:
    """Opens, acknowledges and resolves alerts, each in an incident of its own unless grouped."""

    def __init__(
        self, tickets: PlatformTickets, incidents: Incidents, behaviours: PagerDutyBehaviours
    ) -> None:
        self._tickets = tickets
        self._behaviours = behaviours
        self._incidents = incidents

    def enqueue(self, call: Call) -> web.Response:
        """POST enqueue."""
        event = _checked(call, rules.EVENT)
        trigger = event["event_action"] == "trigger"
        event = _checked(call, rules.TRIGGER if trigger else rules.EVENT_UPDATE)
        act = {
            "trigger": self._trigger,
            "acknowledge": self._acknowledge,
            "resolve": self._resolve,
        }[event["event_action"]]
        dedup_key = act(event)
        answer = {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
        return web.json_response(answer, status=202)

    def change(self, call: Call) -> web.Response:
        """POST change/enqueue: accepts an event and does not keep it."""
        _checked(call, rules.CHANGE_EVENT)
        answer = {"status": "success", "message": "Change event processed"}
        return web.json_response(answer, status=202)

    def _trigger(self, event: dict[str, Any]) -> str:
        payload = event["payload"]
        if not _is_time(payload.get("timestamp") or "2026-01-01T00:00:00Z"):
            refuse_event("'payload.timestamp' is malformed")
        routing_key = event["routing_key"]
        dedup_key: str = event.get("dedup_key") or f"sandbox{self._incidents.next_number():025x}"
        ticket = self._incidents.open_alert(routing_key, dedup_key)
        if ticket is None:
            if not self._behaviours.rules_drop and self._behaviours.service_status == "active":
                self._open(routing_key, dedup_key, event)
        else:
            self._repeat(ticket, dedup_key, payload)
        return dedup_key

    def _open(self, routing_key: str, dedup_key: str, event: dict[str, Any]) -> None:
        payload = event["payload"]
        if self._behaviours.groups_alerts:
            oldest = self._incidents.oldest_open(SERVICE_OF[routing_key])
            if oldest is not None:
                self._incidents.join_alert(oldest, routing_key, dedup_key, event)
                return
        ticket = self._incidents.new(
            dedup_key,
            payload["summary"],
            SERVICE_OF[routing_key],
            URGENCY[payload["severity"]],
            details=str(payload.get("custom_details") or ""),
        )
        ticket.priority = payload["severity"]
        self._incidents.add_alert(ticket, routing_key, event)

    def _repeat(self, ticket: Ticket, dedup_key: str, payload: dict[str, Any]) -> None:
        """Take a trigger for an open alert: no new incident; the urgency may rise, but not fall.

        The alert keeps the details of its first event; those of others are in its log.
        """
        ticket.repeats += 1
        ticket.priority = payload["severity"]
        self._incidents.log_event(ticket, dedup_key, payload)
        if URGENCY[payload["severity"]] == "high":
            ticket.record["urgency"] = "high"
        self._tickets.note(ticket, f"triggered again, {payload['severity']}")

    def _acknowledge(self, event: dict[str, Any]) -> str:
        ticket = self._incidents.open_alert(event["routing_key"], event["dedup_key"])
        if ticket is not None and ticket.state == "open":
            self._incidents.move(ticket, "acknowledged", "acknowledged by an event")
        return str(event["dedup_key"])

    def _resolve(self, event: dict[str, Any]) -> str:
        ticket = self._incidents.open_alert(event["routing_key"], event["dedup_key"])
        if ticket is not None:
            self._incidents.resolve_alert(ticket, event["dedup_key"])
        return str(event["dedup_key"])


def _checked(call: Call, rule: Record) -> dict[str, Any]:
    """The event of a call; refuses a large or malformed event, or one without a known key."""
    if len(call.raw) > EVENT_BYTES_MAX:
        reason = "Request Entity Too Large"
        raise Refusal(event_failure(413, "error", reason, [reason]))
    event = call.body
    if event is MALFORMED or not isinstance(event, dict):
        message = "Event object format is unrecognized"
        raise Refusal(event_failure(400, "Unrecognized object", message, ["JSON parse error"]))
    problems = [f"'{problem.dotted}' {problem.text}" for problem in rule.problems(event)]
    if problems:
        refuse_event(*problems)
    if event["routing_key"] not in SERVICE_OF:
        refuse_event("Invalid routing key")
    return event


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
