"""Zammad."""

from __future__ import annotations

from support.contract import Reply, Subject

from sinks.calls.outcome import Unknown
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    articles = ticket.record["articles"]
    return [ticket.title, *(f"{one['subject']}\n{one['body']}" for one in articles)]


SUBJECTS = [
    Subject(
        name="zammad",
        platform="zammad",
        texts=texts,
        section=lambda base: {"escalationGroup": "Management"},
        states={
            Status.OPEN: "open",
            Status.ACKNOWLEDGED: "acknowledged",
            Status.ESCALATED: "acknowledged",
            Status.RESOLVED: "resolved",
        },
        raises=lambda ticket: ticket.priority == "3 high" and "[CRITICAL]" in ticket.title,
        escalates=lambda ticket: ticket.record["group"] == "Management",
        wrong={"group": "Nobody"},
        replies=(Reply(status=201, body='{"number": "10001"}', outcome=Unknown),),
    )
]
