"""PagerDuty's paths: the Events API v2 under /v2, and the REST API.

https://developer.pagerduty.com/docs/events-api-v2-overview,
https://developer.pagerduty.com/api-reference
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.pagerduty import directory
from ticketing.sandbox.pagerduty.actions import Actions
from ticketing.sandbox.pagerduty.answers import event_failure, failure
from ticketing.sandbox.pagerduty.behaviours import PagerDutyBehaviours
from ticketing.sandbox.pagerduty.comments import Notes
from ticketing.sandbox.pagerduty.events import Events
from ticketing.sandbox.pagerduty.on_call import on_calls
from ticketing.sandbox.pagerduty.search import Search
from ticketing.sandbox.pagerduty.store import Incidents
from ticketing.sandbox.pagerduty.tickets import IncidentCalls
from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, whole_seconds
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class PagerDuty(StandIn):
    """Incidents, opened by an event's alert or over REST."""

    name: ClassVar[str] = "pagerduty"
    secret_fields: ClassVar[frozenset[str]] = frozenset({"routing_key", "service_key"})

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.behaviours = self._switches = PagerDutyBehaviours()
        self.incidents = Incidents(tickets)
        self.events = Events(tickets, self.incidents, self._switches)
        self.calls = IncidentCalls(tickets, self.incidents)
        self.actions = Actions(tickets, self.incidents)
        self.notes = Notes(tickets, self.incidents)
        self.search = Search(tickets, self.incidents, self._switches)

    def reset(self) -> None:
        """Forget all incidents and alerts."""
        self.incidents.reset()

    def forget(self, ticket: Ticket) -> None:
        """Free the deduplication key of an incident that is gone."""
        self.incidents.forget(ticket)

    def routes(self) -> Iterable[Route]:
        """The paths of events, then those of REST."""
        incident = "/incidents/{id}"
        yield "POST", "/v2/enqueue", self.events.enqueue
        yield "POST", "/v2/change/enqueue", self.events.change
        yield "GET", "/incidents", self.search.get
        yield "POST", "/incidents", self.calls.create
        yield "PUT", "/incidents", self.actions.update_many
        yield "GET", incident, self.calls.get
        yield "PUT", incident, self.actions.update
        yield "GET", f"{incident}/notes", self.notes.get
        yield "POST", f"{incident}/notes", self.notes.post
        yield "GET", f"{incident}/alerts", self.calls.alerts
        yield "POST", f"{incident}/snooze", self.actions.snooze
        yield "POST", f"{incident}/responder_requests", self.actions.request_responders
        yield "POST", f"{incident}/status_updates", self.actions.status_update
        yield "GET", "/abilities", directory.abilities
        yield "GET", "/users/me", directory.me
        yield "GET", "/oncalls", on_calls
        yield "GET", "/services", directory.services_with(self._switches)
        for plural in directory.KINDS:
            if plural != "services":
                yield "GET", f"/{plural}", directory.list_of(plural)
            yield "GET", f"/{plural}/{{id}}", directory.one_of(plural)

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error in the form of events or of REST."""
        if call is not None and not _is_event(call):
            return failure(status, reason)
        return event_failure(status, "error", reason, [reason])

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429; only REST states the wait in its headers."""
        if _is_event(call):
            message = "Requests for this service are arriving too quickly"
            return event_failure(429, "throttle exceeded", message, ["Please retry later"])
        response = failure(429, "Rate Limit Exceeded")
        response.headers["ratelimit-limit"] = "960"
        response.headers["ratelimit-remaining"] = "0"
        response.headers["ratelimit-reset"] = whole_seconds(retry_after)
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """Act as a responder does in the web application."""
        states = {"close": "resolved", "acknowledge": "acknowledged", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self.incidents.move(ticket, states[action], f"{action} by a person")


def _is_event(call: Call) -> bool:
    return call.path.startswith("/v2/")
