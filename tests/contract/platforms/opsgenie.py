"""OpsGenie, and its successor with an integration's key alone and with the whole API."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject

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
        comments_unread=True,
        wrong={"apiKey": "not-the-key"},
        **{**COMMON, "without": ("schedule", "escalation")},
    ),
]
