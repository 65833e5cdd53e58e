"""PagerDuty, by events alone and with the REST API."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject
from support.life import Clock
from support.vendors import Vendor

from sinks.calls.outcome import Refused, Unknown
from ticketing.domain.incidents.incident import Status
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    alert = ticket.record["_alerts"][0]
    events = [alert["body"]["payload"], *alert["log"]]
    notes = [note["content"] for note in ticket.record["notes"]]
    return [ticket.title, json.dumps(events, ensure_ascii=False), *notes]


async def at_once(seconds: float) -> None:
    """A pause that costs no time."""


def prepared(platform: Any, clock: Clock) -> None:
    platform.clock, platform.sleep = clock, at_once


STATES = {
    Status.OPEN: "open",
    Status.ACKNOWLEDGED: "acknowledged",
    # There is no such state: an escalated incident goes on as it was.
    Status.ESCALATED: "open",
    Status.RESOLVED: "resolved",
}
REPLIES = (
    Reply(status=202, body='{"status": "queued"}', outcome=Unknown),
    Reply(status=400, body='{"status": "invalid event", "errors": ["x"]}', outcome=Refused),
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
        pages_anew=True,
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
        installations=({"groups_alerts": True}, {"incident_lag": 5}),
        prepare=prepared,
        replies=REPLIES,
    ),
]

VENDOR = Vendor(
    refusals=frozenset({400, 401, 402, 403, 404, 413, 429}),
    calls="""
        POST /v2/enqueue routing_key! event_action! dedup_key payload links images client client_url 202
        GET /abilities 200
        GET /users/me 200
        GET /incidents ?date_range ?incident_key ?service_ids[] ?statuses[] ?limit ?offset 200
        GET /incidents/{} 200
        PUT /incidents/{} incident! 200
        GET /incidents/{}/notes 200
        POST /incidents/{}/notes note! 200
        POST /incidents/{}/status_updates message! 200
        GET /incidents/{}/alerts ?alert_key ?statuses[] ?limit ?offset 200
        GET /escalation_policies ?query ?limit ?offset 200
        GET /escalation_policies/{} 200
        GET /services ?include[] ?limit ?offset 200
        GET /priorities ?limit ?offset 200
        GET /users ?query ?limit ?offset 200
        GET /oncalls ?escalation_policy_ids[] ?limit ?offset 200
    """,
)
