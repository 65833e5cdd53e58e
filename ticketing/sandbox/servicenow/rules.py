"""The rules that an incident sent to ServiceNow must obey: lengths, choices, data policies."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platform import Call
from ticketing.sandbox.servicenow import directory, fields
from ticketing.sandbox.servicenow.answers import refuse


def columns_of(call: Call) -> dict[str, str]:
    """The columns sent, converted to strings as ServiceNow does, with references resolved."""
    if not isinstance(call.body, dict):
        refuse(400, "Exception while reading request", "The payload is not valid JSON.")
    given: dict[str, str] = {}
    for name, value in call.body.items():
        if isinstance(value, (dict, list)):
            refuse(400, "Invalid value", f"{name} must be a string")
        if name in fields.COLUMNS and name not in fields.DERIVED:
            given[name] = _as_text(value)
    for name, limit in fields.LENGTHS.items():
        if len(given.get(name, "")) > limit:
            refuse(400, "Data too long", f"{name} has at most {limit} characters")
    for name, choices in fields.CHOICES.items():
        if name in given and given[name] not in choices:
            refuse(400, "Invalid choice", f"{name} is one of {', '.join(choices)}")
    return _resolved(call, given)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resolved(call: Call, given: dict[str, str]) -> dict[str, str]:
    """The columns with references resolved; an unknown one is emptied, as in ServiceNow."""
    by_name = call.query.get("sysparm_input_display_value") == "true"
    resolved = dict(given)
    for name in given.keys() & fields.REFERENCES.keys():
        rows = directory.TABLES[fields.REFERENCES[name]]
        wanted = given[name]
        keys = [row["sys_id"] for row in rows if row["sys_id"] == wanted]
        if by_name:
            keys += [row["sys_id"] for row in rows if row["name"] == wanted]
        resolved[name] = keys[0] if keys else ""
    return resolved


def check_policy(row: dict[str, Any]) -> None:
    """Refuse an incident that breaks a data policy: columns required to resolve or hold it."""
    missing: list[str] = []
    if row["state"] in fields.RESOLVED:
        missing += ["Resolution code"] * (not row["close_code"])
        missing += ["Resolution notes"] * (not row["close_notes"])
    if row["state"] == fields.ON_HOLD and not row["hold_reason"]:
        missing.append("On hold reason")
    _refuse_without(missing)


def check_mandatory(row: dict[str, Any], columns: str) -> None:
    """Refuse an incident without one of the columns, a list with commas."""
    _refuse_without([name for name in columns.split(",") if name and not row.get(name)])


def _refuse_without(missing: list[str]) -> None:
    if missing:
        detail = f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
        refuse(403, "Operation Failed", detail)
