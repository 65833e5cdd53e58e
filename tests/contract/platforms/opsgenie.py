"""OpsGenie, and its successor with an integration's key alone and with the whole API."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject
from support.vendors import Vendor

from sinks.calls.outcome import Unknown
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.opsgenie import credentials
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    record = ticket.record
    return [
        ticket.title,
        record["description"],
        json.dumps(record["details"], ensure_ascii=False),
        *(note["note"] for note in record["notes"]),
    ]


def whole_jsm(base: str) -> dict[str, Any]:
    return {
        "flavour": "jsm",
        "cloudId": credentials.JSM_CLOUD_ID,
        "userEmail": credentials.JSM_USER,
        "apiToken": credentials.JSM_API_TOKEN,
    }


STATES = {
    Status.OPEN: "open",
    Status.ACKNOWLEDGED: "acknowledged",
    # Escalating tells more people; the alert's state stays.
    Status.ESCALATED: "open",
    Status.RESOLVED: "resolved",
}
COMMON: dict[str, Any] = {
    "platform": "opsgenie",
    "queues": True,
    "texts": texts,
    # Asking who is on call is tested apart: its failures do not matter.
    "without": ("schedule",),
    "states": STATES,
    "reopens_anew": True,
    "recreates": True,
    "person": frozenset({"close", "delete"}),
    "replies": (
        Reply(status=202, body='{"result": "Request will be processed"}', outcome=Unknown),
    ),
}

SUBJECTS = [
    Subject(
        name="opsgenie",
        raises=lambda ticket: ticket.priority == "P1",
        escalates=lambda ticket: any("escalated to" in what for _, what in ticket.history),
        wrong={"team": "Nobody"},
        **COMMON,
    ),
    Subject(
        name="opsgenie-jsm",
        section=whole_jsm,
        raises=lambda ticket: ticket.priority == "P1",
        escalates=lambda ticket: any("escalated to" in what for _, what in ticket.history),
        wrong={"team": "Nobody"},
        **COMMON,
    ),
    Subject(
        name="opsgenie-jsm-key",
        section=lambda base: {"flavour": "jsm"},
        pages_anew=True,
        comments_unread=True,
        wrong={"apiKey": "not-the-key"},
        **{**COMMON, "without": ("schedule", "escalation")},
    ),
]

GENIE = "user note source"
ALERT = (
    f"message! alias description responders visibleTo actions tags details entity priority {GENIE}"
)
VENDOR = Vendor(
    refusals=frozenset({401, 403, 404, 422, 429}),
    calls=f"""
        POST /v2/alerts {ALERT} 202
        GET /v2/alerts ?query ?limit ?offset ?sort ?order 200
        GET /v2/alerts/{{}} ?identifierType 200
        GET /v2/alerts/requests/{{}} 200
        POST /v2/alerts/{{}}/acknowledge ?identifierType {GENIE} 202
        POST /v2/alerts/{{}}/unacknowledge ?identifierType {GENIE} 202
        POST /v2/alerts/{{}}/close ?identifierType {GENIE} 202
        GET /v2/alerts/{{}}/notes ?identifierType ?limit ?order ?offset ?direction 200
        POST /v2/alerts/{{}}/notes ?identifierType note! user source 202
        POST /v2/alerts/{{}}/escalate ?identifierType escalation! {GENIE} 202
        POST /v2/alerts/{{}}/responders ?identifierType responder! {GENIE} 202
        PUT /v2/alerts/{{}}/message ?identifierType message! 202
        PUT /v2/alerts/{{}}/description ?identifierType description! 202
        PUT /v2/alerts/{{}}/priority ?identifierType priority! 202
        GET /v2/teams/{{}} ?identifierType 200
        GET /v2/escalations/{{}} ?identifierType 200
        GET /v2/schedules/{{}} ?identifierType 200
        GET /v2/schedules/{{}}/on-calls ?scheduleIdentifierType ?flat ?date 200
        POST /jsm/ops/integration/v2/alerts {ALERT} 202
        GET /jsm/ops/integration/v2/alerts/requests/{{}} 200
        POST /jsm/ops/integration/v2/alerts/{{}}/acknowledge ?identifierType {GENIE} 202
        POST /jsm/ops/integration/v2/alerts/{{}}/close ?identifierType {GENIE} 202
        POST /jsm/ops/integration/v2/alerts/{{}}/notes ?identifierType note! user source 202
        GET /jsm/ops/api/{{}}/v1/alerts ?query ?size ?offset ?sort ?order 200
        GET /jsm/ops/api/{{}}/v1/alerts/{{}} 200
        GET /jsm/ops/api/{{}}/v1/alerts/requests/{{}} 200
        GET /jsm/ops/api/{{}}/v1/alerts/{{}}/notes ?after ?size 200
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/unacknowledge 202
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/responders responders! 202
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/escalate escalationId! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/message message! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/description description! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/priority priority! 202
        GET /jsm/ops/api/{{}}/v1/teams 200
        GET /jsm/ops/api/{{}}/v1/teams/{{}}/escalations ?offset ?size 200
        GET /jsm/ops/api/{{}}/v1/schedules ?query ?offset ?size ?expand 200
        GET /jsm/ops/api/{{}}/v1/schedules/{{}}/on-calls ?flat ?date 200
        GET /ex/jira/{{}}/rest/api/3/user/bulk ?accountId ?startAt ?maxResults 200
    """,
)
