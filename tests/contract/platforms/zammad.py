"""Zammad."""

from __future__ import annotations

from support.contract import Reply, Subject
from support.vendors import Vendor

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
        installations=(
            {"search_answers_object": False},
            {"tag_new": False},
            {"keeps_note": False},
            {"drops_unknown": True},
            {"refuses_after_create": True},
            {"ignores": "priority"},
        ),
        replies=(Reply(status=201, body='{"number": "10001"}', outcome=Unknown),),
    )
]

ARTICLE = "subject body! type internal content_type sender"
TICKET = "title group state priority owner customer customer_id tags note article"
VENDOR = Vendor(
    refusals=frozenset({401, 403, 404, 422, 429}),
    calls=f"""
        GET /api/v1/users/me 200
        GET /api/v1/users/search ?query ?limit 200
        GET /api/v1/groups ?page ?per_page 200
        GET /api/v1/ticket_states ?page ?per_page 200
        GET /api/v1/ticket_priorities ?page ?per_page 200
        POST /api/v1/tickets ?expand title! group! article! {TICKET} 201
        POST /api/v1/tickets/search ?expand condition! limit 200
        GET /api/v1/tickets/{{}} ?expand 200
        PUT /api/v1/tickets/{{}} ?expand {TICKET} 200
        GET /api/v1/tags ?object ?o_id 200
        GET /api/v1/ticket_articles/by_ticket/{{}} 200
        POST /api/v1/ticket_articles ticket_id! {ARTICLE} 201
    """,
)
