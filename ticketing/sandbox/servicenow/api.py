"""ServiceNow's paths: the Table API over incidents and the rows they refer to, and OAuth.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, whole_seconds
from ticketing.sandbox.servicenow.access import Access
from ticketing.sandbox.servicenow.affected import AffectedItems
from ticketing.sandbox.servicenow.answers import failure
from ticketing.sandbox.servicenow.behaviours import ServiceNowBehaviours
from ticketing.sandbox.servicenow.search import Search
from ticketing.sandbox.servicenow.store import Incidents
from ticketing.sandbox.servicenow.tickets import IncidentCalls
from ticketing.sandbox.servicenow.tokens import Tokens
from ticketing.sandbox.tickets import PlatformTickets, Ticket

HIBERNATING = "<html><head><title>Instance Hibernating page</title></head><body></body></html>"
CHANGES = {
    "close": {"state": "6", "close_code": "Duplicate", "close_notes": "by a person"},
    "acknowledge": {"state": "2"},
    "reopen": {"state": "2", "close_code": "", "close_notes": ""},
}
"""The columns that a person's action sets."""


class ServiceNow(StandIn):
    """Incidents by sys_id; the other tables are fixed and read-only."""

    name: ClassVar[str] = "servicenow"
    session_cookie: ClassVar[str] = "JSESSIONID"

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.behaviours = self._switches = ServiceNowBehaviours()
        self.tokens = Tokens(tickets)
        self.incidents = Incidents(tickets)
        access = Access(self.tokens)
        self.calls = IncidentCalls(tickets, self.incidents, access, self._switches)
        self.affected = AffectedItems(tickets, access, self._switches)
        self.search = Search(tickets, self.incidents, access, self._switches, self.affected)

    def reset(self) -> None:
        """Forget all incidents and tokens."""
        self.incidents.reset()
        self.tokens.reset()
        self.affected.reset()

    def forget(self, ticket: Ticket) -> None:
        """Forget the affected items of an incident that is gone."""
        self.affected.forget(ticket)

    def routes(self) -> Iterable[Route]:
        """All paths, under each version."""
        yield "POST", "/oauth_token.do", self.tokens.post
        for version in ("", "v1/", "v2/"):
            table = f"/api/now/{version}table/{{table}}"
            row = f"{table}/{{sys_id}}"
            yield "POST", f"/api/now/{version}table/task_ci", self.affected.create
            yield "GET", table, self.search.get
            yield "POST", table, self.calls.create
            yield "GET", row, self.search.get_one
            yield "PATCH", row, self.calls.update
            yield "PUT", row, self.calls.update
            yield "DELETE", row, self.calls.delete

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error with a message and without a detail."""
        return failure(status, reason, None)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 that names the administrator's rule."""
        response = self.error(call, 429, "Rate limit exceeded")
        response.headers["Retry-After"] = whole_seconds(retry_after)
        response.headers["X-RateLimit-Limit"] = "1000"
        response.headers["X-RateLimit-Reset"] = whole_seconds(self.tickets.now() + retry_after)
        response.headers["X-RateLimit-Rule"] = "sandbox"
        return response

    def malformed(self, response: web.Response) -> web.Response:
        """The answer of a hibernating instance: 200 with a page in HTML."""
        return web.Response(text=HIBERNATING, content_type="text/html")

    def queues(self, call: Call) -> bool:
        """True for a write in a session, which is taken to be busy with the request before."""
        in_session = f"{self.session_cookie}=" in call.headers.get("Cookie", "")
        return self._switches.sessions and in_session and call.method != "GET"

    def act(self, ticket: Ticket, action: str) -> None:
        """Act as an agent does in the workspace."""
        if action not in CHANGES:
            raise BadAction(action)
        self.incidents.change(ticket, CHANGES[action], f"{action} by a person")
