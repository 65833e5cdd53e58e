"""ServiceNow, with a password and with OAuth."""

from __future__ import annotations

from typing import Any

from support.contract import Reply, Subject
from support.vendors import Vendor

from sinks.calls.outcome import RetryAfter
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.servicenow.credentials import CLIENT_ID, CLIENT_SECRET
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    record = ticket.record
    notes = [entry["value"] for entry in record["journal"]]
    return [record["short_description"], record["description"], record["close_notes"], *notes]


STATES = {
    Status.OPEN: "open",
    Status.ACKNOWLEDGED: "acknowledged",
    # There is no such state: an escalated record is as urgent as can be.
    Status.ESCALATED: "open",
    Status.RESOLVED: "resolved",
}
QUESTIONS = dict.fromkeys((500, 502, 503, 504), RetryAfter)
"""The first thing asked is a question: when it fails, no record can have been made."""
PAGE = "<html><head><title>Instance Hibernating page</title></head></html>"

SHARED: dict[str, Any] = {
    "platform": "servicenow",
    "texts": texts,
    "states": STATES,
    "raises": lambda ticket: ticket.priority == "1",
    "escalates": lambda ticket: ticket.priority == "1",
    "outcomes": QUESTIONS,
    "wrong": {"assignmentGroup": "Nobody"},
    "installations": (
        {"ignores": "short_description,description,cmdb_ci"},
        {"sessions": False},
        {"protects_affected": True},
        {"ignores": "impact,assignment_group"},
    ),
    "replies": (
        Reply(status=200, body=PAGE, outcome=RetryAfter),
        Reply(status=200, body='{"result": "none"}', outcome=RetryAfter),
    ),
}

SUBJECTS = [
    Subject(name="servicenow", **SHARED),
    Subject(
        name="servicenow-oauth",
        section=lambda base: {
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
        },
        **SHARED,
    ),
]

ROW = "?sysparm_fields ?sysparm_exclude_reference_link"
VENDOR = Vendor(
    refusals=frozenset({400, 401, 403, 404, 429}),
    calls=f"""
        POST /oauth_token.do grant_type! client_id client_secret username password refresh_token 200
        GET /api/now/table/{{}} ?sysparm_query ?sysparm_limit {ROW} 200
        GET /api/now/table/{{}}/{{}} {ROW} 200
        POST /api/now/table/{{}} {ROW} ... 201
        PATCH /api/now/table/{{}}/{{}} {ROW} ... 200
    """,
)
