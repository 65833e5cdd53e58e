"""PagerDuty: the Events API v2; the REST half is in pagerduty_rest.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from ticketing.sandbox.checks import ListOf, Problem, Record, Text
from ticketing.sandbox.pagerduty_rest import PagerDutyRest, incident_record
from ticketing.sandbox.platform import MALFORMED, Call, Rejected, Route
from ticketing.sandbox.tickets import Ticket, correlation_of

EVENT_BYTES_MAX = 512_000
URL = Text(pattern=r"https?://\S+")
SEVERITIES = ("critical", "warning", "error", "info")

EVENT = Record(
    {
        "routing_key": Text(min=32, max=32),
        "event_action": Text(choices=("trigger", "acknowledge", "resolve")),
        "dedup_key": Text(max=255),
        "client": Text(),
        "client_url": URL,
        "links": ListOf(Record({"href": URL, "text": Text()}, required=("href",))),
        "images": ListOf(
            Record(
                {"src": Text(pattern=r"https://\S+"), "href": URL, "alt": Text()},
                required=("src",),
            )
        ),
    },
    required=("routing_key", "event_action"),
)
"""What every event obeys."""

TRIGGER = Record(
    {
        "payload": Record(
            {
                "summary": Text(max=1024),
                "source": Text(),
                "severity": Text(choices=SEVERITIES),
                "timestamp": Text(),
                "component": Text(),
                "group": Text(),
                "class": Text(),
                "custom_details": Record(),
            },
            required=("summary", "source", "severity"),
        )
    },
    required=("payload",),
)
UPDATE = Record(required=("dedup_key",))
CHANGE = Record(
    {
        "routing_key": Text(min=32, max=32),
        "payload": Record({"summary": Text(max=1024)}, required=("summary",)),
    },
    required=("routing_key", "payload"),
)

URGENCY = {"critical": "high", "error": "high", "warning": "low", "info": "low"}


def _invalid(errors: list[str]) -> Rejected:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return Rejected(web.json_response(body, status=400))


def _say(problem: Problem) -> str:
    return f"'{problem.dotted}' {problem.text}"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


class PagerDuty(PagerDutyRest):
    """Alerts by routing key and deduplication key; every alert opens an incident of its own."""

    def routes(self) -> Iterable[Route]:
        """Both halves."""
        yield "POST", "/v2/enqueue", self._enqueue
        yield "POST", "/v2/change/enqueue", self._change_event
        yield from super().routes()

    def _event(self, call: Call, *rules: Record) -> dict[str, Any]:
        if len(call.raw) > EVENT_BYTES_MAX:
            raise Rejected(self.error(call, 413, "Request Entity Too Large"))
        event = call.body
        if event is MALFORMED or not isinstance(event, dict):
            body = {
                "status": "Unrecognized object",
                "message": "Event object format is unrecognized",
                "errors": ["JSON parse error"],
            }
            raise Rejected(web.json_response(body, status=400))
        problems = [_say(problem) for rule in rules for problem in rule.problems(event)]
        if problems:
            raise _invalid(problems)
        if event["routing_key"] not in self.routing_keys:
            raise _invalid(["Invalid routing key"])
        return event

    def _enqueue(self, call: Call) -> web.Response:
        event = self._event(call, EVENT)
        event = self._event(call, TRIGGER if event["event_action"] == "trigger" else UPDATE)
        act = {
            "trigger": self._trigger,
            "acknowledge": self._acknowledge,
            "resolve": self._resolve,
        }[event["event_action"]]
        dedup_key = act(event)
        answer = {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
        return web.json_response(answer, status=202)

    def _change_event(self, call: Call) -> web.Response:
        self._event(call, CHANGE)
        answer = {"status": "success", "message": "Change event processed"}
        return web.json_response(answer, status=202)

    def _trigger(self, event: dict[str, Any]) -> str:
        payload = event["payload"]
        if not _is_time(payload.get("timestamp") or "2026-01-01T00:00:00Z"):
            raise _invalid(["'payload.timestamp' is malformed"])
        routing_key = event["routing_key"]
        dedup_key: str = event.get("dedup_key") or f"sandbox{self.next_number():025x}"
        ticket = self._open_alert(routing_key, dedup_key)
        if ticket is None:
            self._open(routing_key, dedup_key, event)
        else:
            self._repeat(ticket, payload)
        return dedup_key

    def _open(self, routing_key: str, dedup_key: str, event: dict[str, Any]) -> None:
        payload = event["payload"]
        service = self.routing_keys[routing_key]
        ticket = Ticket(
            platform=self.name,
            id=self.next_id(),
            key=dedup_key,
            correlation=correlation_of(dedup_key, str(payload.get("custom_details") or "")),
            title=payload["summary"],
            priority=payload["severity"],
        )
        ticket.url = f"{self.site}/incidents/{ticket.id}"
        ticket.record = incident_record(
            ticket, service, URGENCY[payload["severity"]], self.tickets.now(), self.last_number
        )
        ticket.record["_alert"] = {"key": dedup_key, "routing_key": routing_key, "body": event}
        self.alerts[routing_key, dedup_key] = ticket.id
        self.tickets.add(ticket, f"triggered, {payload['severity']}")

    def _repeat(self, ticket: Ticket, payload: dict[str, Any]) -> None:
        """A trigger for an open alert: no new incident; a low urgency may rise, never fall."""
        ticket.repeats += 1
        ticket.priority = payload["severity"]
        ticket.record["_alert"]["body"]["payload"] = payload
        if URGENCY[payload["severity"]] == "high":
            ticket.record["urgency"] = "high"
        self.tickets.note(ticket, f"triggered again, {payload['severity']}")

    def _acknowledge(self, event: dict[str, Any]) -> str:
        ticket = self._open_alert(event["routing_key"], event["dedup_key"])
        if ticket is not None and ticket.state == "open":
            self.move(ticket, "acknowledged", "acknowledged by an event")
        return str(event["dedup_key"])

    def _resolve(self, event: dict[str, Any]) -> str:
        ticket = self._open_alert(event["routing_key"], event["dedup_key"])
        if ticket is not None:
            self.move(ticket, "resolved", "resolved by an event")
        return str(event["dedup_key"])

    def _open_alert(self, routing_key: str, dedup_key: str) -> Ticket | None:
        ticket_id = self.alerts.get((routing_key, dedup_key))
        return None if ticket_id is None else self.find(ticket_id)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """Events and REST have errors of different forms."""
        if call is not None and not call.path.startswith("/v2/"):
            return super().error(call, status, reason)
        body = {"status": "error", "message": reason, "errors": [reason]}
        return web.json_response(body, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """Events answer 429 without saying for how long."""
        if not call.path.startswith("/v2/"):
            return super().rate_limited(call, retry_after)
        body = {
            "status": "throttle exceeded",
            "message": "Requests for this service are arriving too quickly",
            "errors": ["Please retry later"],
        }
        return web.json_response(body, status=429)
