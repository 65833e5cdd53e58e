"""The bodies that OpsGenie's alert API accepts.

https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

from ticketing.sandbox.checks import Check, Either, ListOf, MapOf, Record, Text

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")

RESPONDER_KINDS = ("team", "escalation", "schedule", "user")

RESPONDER = Either(
    (
        Record(
            {"type": Text(choices=RESPONDER_KINDS), "id": Text()},
            required=("type", "id"),
        ),
        Record(
            {"type": Text(choices=("team", "escalation", "schedule")), "name": Text()},
            required=("type", "name"),
        ),
        Record(
            {"type": Text(choices=("user",)), "username": Text()},
            required=("type", "username"),
        ),
    )
)
COMMON: dict[str, Check] = {
    "user": Text(max=100),
    "source": Text(max=100),
    "note": Text(max=25_000),
}
TAGS = ListOf(Text(min=1, max=50), max=20)
DETAILS = MapOf(Text(), chars_max=8000)
MESSAGE = Text(min=1, max=130)
DESCRIPTION = Text(max=15_000)

CREATE = Record(
    {
        **COMMON,
        "message": MESSAGE,
        "alias": Text(max=512),
        "description": DESCRIPTION,
        "responders": ListOf(RESPONDER, max=50),
        "visibleTo": ListOf(RESPONDER, max=50),
        "actions": ListOf(Text(max=50), max=10),
        "tags": TAGS,
        "details": DETAILS,
        "entity": Text(max=512),
        "priority": Text(choices=PRIORITIES),
    },
    required=("message",),
)


def _with(required: str, **fields: Check) -> Record:
    return Record({**COMMON, **fields}, required=(required,) if required else ())


_ESCALATION = {"type": Text(choices=("escalation",)), "id": Text(), "name": Text()}
ESCALATION = Either(
    (Record(_ESCALATION, required=("id",)), Record(_ESCALATION, required=("name",)))
)
OWNER = Either(
    (
        Record({"id": Text()}, required=("id",)),
        Record({"username": Text()}, required=("username",)),
    )
)
ACTIONS: dict[str, Record] = {
    "acknowledge": _with(""),
    "unacknowledge": _with(""),
    "close": _with(""),
    "notes": _with("note"),
    "snooze": _with("endTime", endTime=Text(pattern=r"\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)")),
    "escalate": _with("escalation", escalation=ESCALATION),
    "assign": _with("owner", owner=OWNER),
    "responders": _with("responder", responder=RESPONDER),
    "tags": _with("tags", tags=TAGS),
    "details": _with("details", details=DETAILS),
}
"""The rules of actions by the last word of the path: POST, to OpsGenie and JSM's integrations."""

FIELDS: dict[str, Record] = {
    "message": _with("message", message=MESSAGE),
    "description": _with("description", description=DESCRIPTION),
    "priority": _with("priority", priority=Text(choices=PRIORITIES)),
}
"""The rules of fields by the last word of the path: PUT to OpsGenie, PATCH to JSM operations."""

JSM_NOTE = Record({"note": Text(max=25_000)}, required=("note",))
NO_BODY = Record(closed=True)
"""For actions without a documented body, not even an empty object."""

JSM_ACTIONS: dict[str, Record] = {
    "acknowledge": NO_BODY,
    "unacknowledge": NO_BODY,
    "close": NO_BODY,
    "snooze": ACTIONS["snooze"],
    "escalate": Record({"escalationId": Text()}, required=("escalationId",)),
    "assign": Record({"accountId": Text()}, required=("accountId",)),
    "responders": Record({"responders": ListOf()}, required=("responders",)),
    "tags": Record({"tags": TAGS}, required=("tags",)),
    "extra-properties": Record({"extraProperties": DETAILS}, required=("extraProperties",)),
}
"""The operations API's bodies. `escalationId` and `accountId` could not be confirmed."""

INTEGRATION_ACTIONS = ("acknowledge", "close", "notes")
"""The only actions that JSM takes from an integration's key."""
