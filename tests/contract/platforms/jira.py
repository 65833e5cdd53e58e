"""Jira Cloud, and Jira Data Center."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject
from support.vendors import Vendor

from sinks.calls.outcome import RetryAfter
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.jira.credentials import DATA_CENTER_TOKEN
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    bodies = [ticket.record["fields"].get("description")]
    bodies += [comment["body"] for comment in ticket.record["comments"]]
    return [ticket.title, *(_words(body) for body in bodies)]


def _words(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


STATES = {
    Status.OPEN: "open",
    Status.ACKNOWLEDGED: "acknowledged",
    # Without a transition of its own, an escalated issue is as urgent as can be and says so.
    Status.ESCALATED: "open",
    Status.RESOLVED: "resolved",
}
QUESTIONS = dict.fromkeys((500, 502, 503, 504), RetryAfter)
"""The first thing asked of Jira is a question: when it fails, no issue can have been made."""

SHARED: dict[str, Any] = {
    "platform": "jira",
    "texts": texts,
    "states": STATES,
    "raises": lambda ticket: ticket.priority == "Highest",
    "escalates": lambda ticket: ticket.priority == "Highest",
    "outcomes": QUESTIONS,
    "wrong": {"projectKey": "NONE"},
    "installations": (
        {"refuses_in_turn": "priority,description"},
        {"refuses_unnamed": "priority"},
    ),
    "replies": (Reply(status=200, body='{"deploymentType": 7}', outcome=RetryAfter),),
}

SUBJECTS = [
    Subject(name="jira-cloud", **SHARED),
    Subject(
        name="jira-datacenter",
        section=lambda base: {"apiToken": DATA_CENTER_TOKEN},
        without=("userEmail",),
        **SHARED,
    ),
]

CLOUD_SEARCH = "jql fields maxResults nextPageToken reconcileIssues properties expand"
VENDOR = Vendor(
    prefix="/rest/api/[23]",
    refusals=frozenset({400, 401, 403, 404, 409, 410, 413, 429}),
    calls=f"""
        GET /serverInfo 200
        GET /myself 200
        GET /rest/api/2/mypermissions ?projectKey ?projectId ?issueKey ?issueId 200
        GET /rest/api/3/mypermissions ?projectKey ?projectId ?issueKey ?issueId ?permissions 200
        GET /project/{{}} ?expand 200
        GET /priority 200
        GET /resolution 200
        GET /field 200
        GET /issue/createmeta/{{}}/issuetypes ?startAt ?maxResults 200
        GET /issue/createmeta/{{}}/issuetypes/{{}} ?startAt ?maxResults 200
        POST /issue fields! update properties historyMetadata transition 201
        POST /rest/api/3/search/jql {CLOUD_SEARCH} 200
        POST /rest/api/2/search jql fields maxResults startAt properties expand validateQuery 200
        GET /issue/{{}} ?fields ?properties ?expand 200
        PUT /issue/{{}} fields update properties 204
        GET /issue/{{}}/comment ?startAt ?maxResults ?orderBy ?expand 200
        POST /issue/{{}}/comment body! visibility properties 201
        PUT /issue/{{}}/assignee accountId name 204
        GET /issue/{{}}/transitions ?expand ?transitionId 200
        POST /issue/{{}}/transitions transition! fields update 204
        GET /issue/{{}}/remotelink ?globalId 200
        POST /issue/{{}}/remotelink object! globalId application relationship 200 201
        GET /issue/{{}}/properties/{{}} 200
        PUT /issue/{{}}/properties/{{}} ... 200 201
    """,
)
"""A call that only one version of Jira has begins with its version."""
