"""Jira's paths: Cloud (REST v3, Basic with an API token) and Data Center (REST v2, Bearer).

https://developer.atlassian.com/cloud/jira/platform/rest/v3/,
https://docs.atlassian.com/software/jira/docs/api/REST/latest/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.jira import directory, screens
from ticketing.sandbox.jira.access import is_cloud
from ticketing.sandbox.jira.answers import failure
from ticketing.sandbox.jira.behaviours import JiraBehaviours
from ticketing.sandbox.jira.comments import Comments
from ticketing.sandbox.jira.links import Links
from ticketing.sandbox.jira.properties import Properties
from ticketing.sandbox.jira.search import Search
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.jira.tickets import IssueCalls
from ticketing.sandbox.jira.transitions import Transitions
from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, iso_time, whole_seconds
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class Jira(StandIn):
    """Issues by key. Basic authentication speaks to Cloud, a bearer token to Data Center."""

    name: ClassVar[str] = "jira"
    session_cookie: ClassVar[str] = "JSESSIONID"

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.behaviours = switches = JiraBehaviours()
        self._screens = screens.Screens(switches)
        self.issues = Issues(tickets)
        self.comments = Comments(tickets, self.issues)
        self.calls = IssueCalls(tickets, self.issues, self.comments, switches)
        self.transitions = Transitions(tickets, self.issues, self.comments)
        self.links = Links(tickets, self.issues)
        self.properties = Properties(tickets, self.issues)
        self.search = Search(tickets, self.issues)

    def reset(self) -> None:
        """Forget all issues."""
        self.issues.reset()

    def forget(self, ticket: Ticket) -> None:
        """Free the id of an issue that is gone."""
        self.issues.forget(ticket)

    def routes(self) -> Iterable[Route]:
        """All paths, under each version."""
        table = (*self._directory_routes(), *self._issue_routes())
        for version in ("2", "3", "latest"):
            for method, path, handler in table:
                yield method, f"/rest/api/{version}{path}", handler

    def _directory_routes(self) -> Iterable[Route]:
        meta = "/issue/createmeta/{project}/issuetypes"
        yield "GET", "/serverInfo", directory.server_info
        yield "GET", "/myself", directory.myself
        yield "GET", "/mypermissions", directory.permissions
        yield "GET", "/project/{project}", directory.project
        yield "GET", "/priority", directory.priorities
        yield "GET", "/resolution", directory.resolutions
        yield "GET", "/field", screens.all_fields
        yield "GET", meta, screens.issue_types
        yield "GET", f"{meta}/{{type}}", self._screens.create_fields

    def _issue_routes(self) -> Iterable[Route]:
        issue = "/issue/{key}"
        yield "POST", "/issue", self.calls.create
        yield "GET", "/search/jql", self.search.cloud
        yield "POST", "/search/jql", self.search.cloud
        yield "GET", "/search", self.search.data_center
        yield "POST", "/search", self.search.data_center
        yield "GET", issue, self.calls.get
        yield "PUT", issue, self.calls.update
        yield "DELETE", issue, self.calls.delete
        yield "GET", f"{issue}/comment", self.comments.get
        yield "POST", f"{issue}/comment", self.comments.post
        yield "PUT", f"{issue}/assignee", self.calls.assign
        yield "GET", f"{issue}/transitions", self.transitions.get
        yield "POST", f"{issue}/transitions", self.transitions.post
        yield "GET", f"{issue}/remotelink", self.links.get
        yield "POST", f"{issue}/remotelink", self.links.post
        yield "GET", f"{issue}/properties/{{property}}", self.properties.get
        yield "PUT", f"{issue}/properties/{{property}}", self.properties.put

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error with one message and no problems of fields."""
        return failure(status, [reason], {})

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with Retry-After; the other headers differ between Cloud and Data Center."""
        response = self.error(call, 429, "Rate limit exceeded.")
        response.headers["Retry-After"] = whole_seconds(retry_after)
        response.headers["X-RateLimit-Limit"] = "100"
        response.headers["X-RateLimit-Remaining"] = "0"
        if is_cloud(call):
            reset = iso_time(self.tickets.now() + retry_after)
            response.headers["X-RateLimit-Reset"] = reset
            response.headers["RateLimit-Reason"] = "jira-burst-based"
        else:
            response.headers["X-RateLimit-FillRate"] = "10"
            response.headers["X-RateLimit-Interval-Seconds"] = "1"
        return response

    def act(self, ticket: Ticket, action: str) -> None:
        """Move the issue as a person does on the board."""
        states = {"close": "resolved", "acknowledge": "acknowledged", "reopen": "open"}
        if action not in states:
            raise BadAction(action)
        self.transitions.move(ticket, states[action], f"{action} by a person", {"name": "Done"})
