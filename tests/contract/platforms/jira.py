"""Jira Cloud, and Jira Data Center."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject

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
