"""PagerDuty, by events alone and with the REST API."""

from __future__ import annotations

import json

from support.contract import Reply, Subject

from sinks.calls.outcome import Rejected, Unknown
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    alert = ticket.record["_alert"]["body"]["payload"]
    notes = [note["content"] for note in ticket.record["notes"]]
    return [ticket.title, json.dumps(alert, ensure_ascii=False), *notes]


STATES = {
    Status.OPEN: "open",
    Status.ACKNOWLEDGED: "acknowledged",
    # There is no such state: an escalated incident goes on as it was.
    Status.ESCALATED: "open",
    Status.RESOLVED: "resolved",
}
REPLIES = (
    Reply(status=202, body='{"status": "queued"}', outcome=Unknown),
    Reply(status=400, body='{"status": "invalid event", "errors": ["x"]}', outcome=Rejected),
)

SUBJECTS = [
    Subject(
        name="pagerduty-events",
        platform="pagerduty",
        texts=texts,
        without=("apiToken", "fromEmail"),
        states=STATES,
        comments=False,
        raises=lambda ticket: ticket.priority == "critical",
        reopens_anew=True,
        recreates=True,
        retry_after=False,
        wrong={"apiUrl": "http://127.0.0.1:9"},
        replies=REPLIES,
    ),
    Subject(
        name="pagerduty-rest",
        platform="pagerduty",
        texts=texts,
        section=lambda base: {
            "escalationPolicies": {"services": {"checkout": "PPOLICY2"}},
            "priorities": {"critical": "PPRIOP1", "high": "PPRIOP2"},
        },
        states=STATES,
        raises=lambda ticket: (
            (ticket.priority, ticket.record["priority"]) == ("critical", "PPRIOP1")
        ),
        escalates=lambda ticket: ticket.record["escalation_policy"] == "PPOLICY2",
        reopens_anew=True,
        recreates=True,
        retry_after=False,
        wrong={"apiToken": "wrong"},
        prepare=lambda platform, clock: setattr(platform, "clock", clock),
        replies=REPLIES,
    ),
]
