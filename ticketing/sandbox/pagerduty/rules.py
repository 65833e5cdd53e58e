"""The bodies that PagerDuty accepts: of events, and of calls to its REST API.

https://developer.pagerduty.com/docs/events-api-v2-overview,
https://developer.pagerduty.com/api-reference, PagerDuty/api-schema reference/REST/openapiv3.json
"""

from __future__ import annotations

from ticketing.sandbox.checks import Check, ListOf, Number, Record, Text

URL = Text(pattern=r"https?://\S+")
SEVERITIES = ("critical", "warning", "error", "info")

EVENT = Record(
    {
        "routing_key": Text(min=32, max=32),
        "event_action": Text(choices=("trigger", "acknowledge", "resolve")),
        "dedup_key": Text(max=255),
        "client": Text(),
        "client_url": URL,
        "links": ListOf(Record({"href": URL, "text": Text()}, required=("href",))),
        "images": ListOf(
            Record(
                {"src": Text(pattern=r"https://\S+"), "href": URL, "alt": Text()},
                required=("src",),
            )
        ),
    },
    required=("routing_key", "event_action"),
)
"""The rule of every event."""

TRIGGER = Record(
    {
        "payload": Record(
            {
                "summary": Text(max=1024),
                "source": Text(),
                "severity": Text(choices=SEVERITIES),
                "timestamp": Text(),
                "component": Text(),
                "group": Text(),
                "class": Text(),
                "custom_details": Record(),
            },
            required=("summary", "source", "severity"),
        )
    },
    required=("payload",),
)
EVENT_UPDATE = Record(required=("dedup_key",))
"""An acknowledge or a resolve."""
CHANGE_EVENT = Record(
    {
        "routing_key": Text(min=32, max=32),
        "payload": Record({"summary": Text(max=1024)}, required=("summary",)),
    },
    required=("routing_key", "payload"),
)


def _reference(*kinds: str) -> Record:
    return Record({"id": Text(min=1), "type": Text(choices=kinds)}, required=("id", "type"))


_COMMON: dict[str, Check] = {
    "title": Text(max=1024),
    "urgency": Text(choices=("high", "low")),
    "priority": _reference("priority_reference", "priority"),
    "escalation_policy": _reference("escalation_policy_reference", "escalation_policy"),
    "assignments": ListOf(
        Record({"assignee": _reference("user_reference", "user")}, required=("assignee",))
    ),
}
CREATE = Record(
    {
        "incident": Record(
            {
                **_COMMON,
                "type": Text(choices=("incident",)),
                "service": _reference("service_reference", "service"),
                "incident_key": Text(max=255),
                "body": Record(
                    {"type": Text(choices=("incident_body",)), "details": Text()},
                    required=("type",),
                ),
            },
            required=("type", "title", "service"),
        )
    },
    required=("incident",),
)
_CHANGE = {
    **_COMMON,
    "type": Text(choices=("incident", "incident_reference")),
    "status": Text(choices=("triggered", "acknowledged", "resolved")),
    "resolution": Text(),
    "escalation_level": Number(min=1, whole=True),
}
UPDATE = Record({"incident": Record(_CHANGE, required=("type",))}, required=("incident",))
BULK = Record(
    {"incidents": ListOf(Record({**_CHANGE, "id": Text()}, required=("id", "type")))},
    required=("incidents",),
)
NOTE = Record({"note": Record({"content": Text()}, required=("content",))}, required=("note",))
SNOOZE = Record(
    {"duration": Number(min=1, max=604_800, whole=True)},
    required=("duration",),
)
RESPONDERS = Record(
    {
        "requester_id": Text(),
        "message": Text(),
        "responder_request_targets": ListOf(Record(), min=1),
    },
    required=("requester_id", "message", "responder_request_targets"),
)
STATUS_UPDATE = Record({"message": Text()}, required=("message",))
