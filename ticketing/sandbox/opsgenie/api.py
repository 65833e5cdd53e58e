"""OpsGenie's paths: alerts through three doors, and the directory.

https://docs.opsgenie.com/docs/alert-api,
https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.opsgenie import doors
from ticketing.sandbox.opsgenie.access import Access
from ticketing.sandbox.opsgenie.actions import Actions
from ticketing.sandbox.opsgenie.answers import Answers
from ticketing.sandbox.opsgenie.comments import Notes
from ticketing.sandbox.opsgenie.directory import Directory
from ticketing.sandbox.opsgenie.doors import Door
from ticketing.sandbox.opsgenie.on_call import OnCall
from ticketing.sandbox.opsgenie.outcomes import Outcomes
from ticketing.sandbox.opsgenie.search import Search
from ticketing.sandbox.opsgenie.store import Alerts
from ticketing.sandbox.opsgenie.tickets import AlertCalls
from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, whole_seconds
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class OpsGenie(StandIn):
    """Alerts, by alias while open. Writes are answered with 202; outcomes must be asked for."""

    name: ClassVar[str] = "opsgenie"

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.answers = Answers()
        self.alerts = Alerts(tickets, self.answers)
        access = Access(self.answers)
        self.outcomes = Outcomes(tickets, self.answers, access)
        self.calls = AlertCalls(tickets, self.alerts, self.answers, access, self.outcomes)
        self.notes = Notes(tickets, self.calls, self.answers, access)
        self.actions = Actions(tickets, self.alerts, access, self.outcomes, self.notes)
        self.search = Search(tickets, self.alerts, self.answers, access)
        self.directory = Directory(self.answers, access)
        self.on_call = OnCall(self.answers, access, self.directory)

    def reset(self) -> None:
        """Forget all alerts and outcomes."""
        self.answers.reset()
        self.alerts.reset()
        self.outcomes.reset()

    def forget(self, ticket: Ticket) -> None:
        """Free the alias of an alert that is gone."""
        self.alerts.forget(ticket)

    def routes(self) -> Iterable[Route]:
        """The three doors to alerts, then the directory."""
        yield from self._alert_routes(doors.OPSGENIE)
        yield from self._alert_routes(doors.JSM_INTEGRATION)
        # Before the door's own paths, which would take `alias` for an id.
        yield "GET", f"{doors.OPERATIONS}/alerts/alias", self.calls.get
        yield "POST", f"{doors.OPERATIONS}/alerts/{{id}}/notes", self.notes.post
        yield from self._alert_routes(doors.JSM_OPERATIONS)
        yield from self._directory_routes()

    def _alert_routes(self, door: Door) -> Iterable[Route]:
        alert = f"{door.alerts}/{{id}}"
        yield "POST", door.alerts, self.calls.create
        yield "GET", f"{door.alerts}/requests/{{request}}", self.outcomes.get
        if door.reads:
            yield "GET", door.alerts, self.search.get
            yield "GET", alert, self.calls.get
            yield "DELETE", alert, self.calls.delete
            yield "GET", f"{alert}/notes", self.notes.get
        for action, rule in door.actions.items():
            yield "POST", f"{alert}/{action}", self.actions.handler(action, rule)
        for field, rule in door.fields.items():
            yield door.verb, f"{alert}/{field}", self.actions.handler(field, rule)

    def _directory_routes(self) -> Iterable[Route]:
        for base in ("/v2", doors.OPERATIONS):
            yield "GET", f"{base}/schedules", self.directory.list_of("schedule")
            yield "GET", f"{base}/schedules/{{id}}/on-calls", self.on_call.get
            yield "GET", f"{base}/teams", self.directory.list_of("team")
        yield "GET", "/ex/jira/{cloud}/rest/api/3/user/bulk", self.directory.accounts
        yield "GET", "/v2/teams/{id}", self.directory.one_of("team")
        yield "GET", "/v2/schedules/{id}", self.directory.one_of("schedule")
        yield "GET", "/v2/escalations", self.directory.list_of("escalation")
        yield "GET", "/v2/escalations/{id}", self.directory.one_of("escalation")
        escalations = self.directory.list_of("escalation")
        yield "GET", f"{doors.OPERATIONS}/teams/{{team}}/escalations", escalations

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """A message with a request id."""
        return self.answers.failure(status, reason, {})

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with the state in OpsGenie's own headers."""
        response = self.error(call, 429, "You are making too many requests!")
        response.headers["X-RateLimit-State"] = "THROTTLED"
        response.headers["X-RateLimit-Reason"] = "ACCOUNT"
        response.headers["X-RateLimit-Period-In-Sec"] = "60"
        response.headers["Retry-After"] = whole_seconds(retry_after)
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """Act as a responder does in the application."""
        if action == "close":
            self.alerts.close(ticket, "closed by a person")
        elif action == "acknowledge":
            self.tickets.note(ticket, "acknowledged by a person", "acknowledged")
        else:
            raise BadAction(f"opsgenie has no {action}")
