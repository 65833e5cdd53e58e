"""The searches by JQL: one on Data Center, another on Cloud, where the old one was removed."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ticketing.sandbox.jira import directory, fields
from ticketing.sandbox.jira.access import authorize, body_of, is_cloud
from ticketing.sandbox.jira.adf import text_of
from ticketing.sandbox.jira.answers import refuse, start_and_size
from ticketing.sandbox.jira.query import BadJql, Parser
from ticketing.sandbox.jira.store import Issues
from ticketing.sandbox.jira.workflow import STATUSES
from ticketing.sandbox.platform import Call
from ticketing.sandbox.tickets import PlatformTickets, Ticket

# Cloud's limits: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
RECONCILE_MAX = 50
PROPERTIES_SEARCHED_MAX = 5
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
CATEGORY_NAMES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}


class Search:
    """Finds issues by JQL, the newest first."""

    lag_seconds: float = 0.0
    """The age before which Cloud's search misses an issue, unless asked to reconcile it."""

    def __init__(self, tickets: PlatformTickets, issues: Issues) -> None:
        self._tickets = tickets
        self._issues = issues

    def data_center(self, call: Call) -> web.Response:
        """/search: removed from Cloud, the only search on Data Center."""
        authorize(call)
        if is_cloud(call):
            refuse(410, REMOVED)
        given = _arguments(call)
        start, size = start_and_size(given)
        found = self._found(given.get("jql", ""), bounded=False, known=[])
        rows = [self._chosen(call, one, given.get("fields"), "*all") for one in found]
        page = {"startAt": start, "maxResults": size, "total": len(rows)}
        return web.json_response({**page, "issues": rows[start : start + size]})

    def cloud(self, call: Call) -> web.Response:
        """/search/jql, Cloud's search: no total, ids only unless fields are asked for."""
        authorize(call)
        if not is_cloud(call):
            refuse(404, "null for uri")
        given = _arguments(call)
        known = given.get("reconcileIssues", [])
        if not isinstance(known, list) or len(known) > RECONCILE_MAX:
            refuse(400, f"At most {RECONCILE_MAX} issues can be reconciled.")
        _, size = start_and_size(given)
        token = str(given.get("nextPageToken") or "0")
        if not token.isdecimal():
            refuse(400, "The nextPageToken is invalid.")
        start = int(token)
        found = self._found(given.get("jql", ""), True, [str(one) for one in known])
        rows = [self._chosen(call, one, given.get("fields"), "") for one in found]
        if properties := given.get("properties"):
            _add_properties(rows, found, properties)
        more = start + size < len(rows)
        answer: dict[str, Any] = {"issues": rows[start : start + size], "isLast": not more}
        if more:
            answer["nextPageToken"] = str(start + size)
        return web.json_response(answer)

    def _found(self, jql: Any, bounded: bool, known: list[str]) -> list[Ticket]:
        if not isinstance(jql, str):
            refuse(400, "jql must be a string.")
        try:
            parser = Parser(jql, set(directory.PROJECTS))
            predicate, oldest_first = parser.parse(), parser.oldest_first()
        except BadJql as error:
            refuse(400, str(error))
        if predicate is None and bounded:
            refuse(
                400,
                "Unbounded JQL queries are not allowed here. "
                "Please add a search restriction to your query.",
            )
        issues = self._tickets.all()
        seen_before = self._tickets.now() - (self.lag_seconds if bounded else 0)
        return [
            ticket
            for ticket in (issues if oldest_first else reversed(issues))
            if (ticket.opened_at <= seen_before or ticket.record["id"] in known)
            and (predicate is None or predicate(_flat(ticket)))
        ]

    def _chosen(self, call: Call, ticket: Ticket, wanted: Any, default: str) -> dict[str, Any]:
        """A row with the fields asked for."""
        view = self._issues.view(call, ticket)
        names = wanted if isinstance(wanted, list) else [default] if default else []
        if not names:
            return {"id": view["id"]}
        if not {"*all", "*navigable"} & set(names):
            view["fields"] = {k: v for k, v in view["fields"].items() if k in names}
        return view


def _arguments(call: Call) -> dict[str, Any]:
    if call.method == "POST":
        return body_of(call)
    given: dict[str, Any] = dict(call.query)
    if "fields" in given:
        given["fields"] = given["fields"].split(",")
    return given


def _add_properties(rows: list[dict[str, Any]], found: list[Ticket], names: Any) -> None:
    if not isinstance(names, list) or len(names) > PROPERTIES_SEARCHED_MAX:
        refuse(400, f"At most {PROPERTIES_SEARCHED_MAX} properties can be listed.")
    for row, ticket in zip(rows, found, strict=True):
        kept = ticket.record["properties"]
        row["properties"] = {name: kept[name] for name in names if name in kept}


def _flat(ticket: Ticket) -> dict[str, Any]:
    """The issue's values by the names that JQL has for them."""
    record, given = ticket.record, ticket.record["fields"]
    _, status, category = STATUSES[ticket.state]
    assignee = given.get("assignee") or {}
    return {
        "project": ticket.key.split("-")[0],
        "key": ticket.key,
        "id": record["id"],
        "status": status,
        "statusCategory": CATEGORY_NAMES[category],
        "issuetype": fields.named(directory.ISSUE_TYPES, given["issuetype"])["name"],
        "priority": ticket.priority,
        "resolution": (record["resolution"] or {}).get("name"),
        "assignee": assignee.get("accountId") or assignee.get("name"),
        "summary": ticket.title,
        "text": f"{ticket.title} {text_of(given.get('description'))}",
        "labels": given["labels"],
        "properties": record["properties"],
    }
