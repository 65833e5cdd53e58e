"""The fields of a ticket that Zammad accepts, and their values resolved to names."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.zammad.answers import refuse
from ticketing.sandbox.zammad.directory import LOOKUPS

TITLE_MAX = 250
"""Zammad's limit."""
ATTRIBUTE_MAX = 120
"""The length that the administrator gave the custom attribute."""
KNOWN = frozenset(
    {
        *(f"{name}{end}" for name in (*LOOKUPS, "customer", "organization") for end in ("", "_id")),
        "id",
        "title",
        "article",
        "tags",
        "note",
        "number",
        "pending_time",
        "mentions",
        "links",
        "incident_id",
    }
)
"""Accepted fields; `incident_id` is a custom attribute of the sandbox."""


def resolved(given: dict[str, Any], *, drops_unknown: bool) -> dict[str, Any]:
    """The fields sent, names resolved; refuses an unknown name, and drops an unknown attribute."""
    for name in given:
        if name not in KNOWN and not drops_unknown:
            refuse(422, f"unknown attribute '{name}' for Ticket.")
    fields: dict[str, Any] = {}
    for name, known in LOOKUPS.items():
        if given.get(name) is not None:
            if given[name] not in known:
                refuse(422, f"No lookup value found for '{name}': '{given[name]}'")
            fields[name] = given[name]
        elif given.get(f"{name}_id") is not None:
            fields[name] = _name_of(name, known, given[f"{name}_id"])
    if given.get("title") is not None:
        fields["title"] = _title(given["title"])
    for name in ("note", "incident_id"):
        if name in given:
            fields[name] = given[name]
    if len(str(fields.get("incident_id") or "")) > ATTRIBUTE_MAX:
        refuse(422, f"incident_id is too long (maximum is {ATTRIBUTE_MAX} characters)")
    return fields


def _title(title: Any) -> str:
    if not isinstance(title, str) or not title.strip():
        refuse(422, "Missing required value for field 'title'!")
    if len(title) > TITLE_MAX:
        refuse(422, f"title is too long (maximum is {TITLE_MAX} characters)")
    return title


def _name_of(field: str, known: dict[str, int], wanted: Any) -> str:
    for name, number in known.items():
        if number == wanted:
            return name
    refuse(422, f"Invalid value '{wanted}' for field '{field}_id'")
