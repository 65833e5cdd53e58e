"""The conditions of a search, as in Zammad's overviews and triggers: a field, an operator, values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ticketing.sandbox.tickets import Ticket
from ticketing.sandbox.zammad.directory import LOOKUPS

Predicate = Callable[[Ticket], bool]


def condition(name: str, test: Any) -> Predicate | None:
    """One condition; None for a malformed one, which makes the whole search find all tickets."""
    if not isinstance(test, dict) or "operator" not in test:
        return None
    operator, value = test["operator"], test.get("value")
    values = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
    if name == "ticket.tags":
        wanted = set(values)
        tag_tests: dict[str, Predicate] = {
            "contains all": lambda one: wanted <= set(one.record["tags"]),
            "contains one": lambda one: bool(wanted & set(one.record["tags"])),
            "contains all not": lambda one: not wanted <= set(one.record["tags"]),
            "contains one not": lambda one: not wanted & set(one.record["tags"]),
        }
        return tag_tests.get(operator)
    column = name.removeprefix("ticket.")
    if operator not in ("is", "is not") or column not in (
        "number",
        "title",
        "note",
        "incident_id",
        *(f"{one}_id" for one in LOOKUPS),
    ):
        return None
    texts = {str(one) for one in values}

    def matches(ticket: Ticket) -> bool:
        own = column.removesuffix("_id")
        if column in ("number", "title"):
            have = str(ticket.key if column == "number" else ticket.title)
        elif own in LOOKUPS:
            have = str(LOOKUPS[own][ticket.record[own]])
        else:
            have = str(ticket.record.get(column))
        listed: bool = have in texts
        return listed if operator == "is" else not listed

    return matches
