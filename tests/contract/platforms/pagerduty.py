"""PagerDuty, by events alone."""

from __future__ import annotations

import json

from support.contract import Reply, Subject

from sinks.outcome import Unknown
from ticketing.domain.incident import Status
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
        replies=(Reply(status=202, body='{"status": "queued"}', outcome=Unknown),),
    )
]
