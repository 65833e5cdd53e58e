"""Jira's workflow: the statuses of an issue and the transitions between them."""

from __future__ import annotations

from typing import Any

STATUSES = {
    "open": ("10000", "To Do", "new"),
    "acknowledged": ("10001", "In Progress", "indeterminate"),
    "resolved": ("10002", "Done", "done"),
}
"""The sandbox's state of a ticket: id, name and category of the status."""

Transition = tuple[str, str, tuple[str, ...]]
"""Name, state it leads to, required fields of its screen."""

TRANSITIONS: dict[str, Transition] = {
    "11": ("Back to do", "open", ()),
    "21": ("Start progress", "acknowledged", ()),
    "31": ("Done", "resolved", ("resolution",)),
}


def status_of(state: str) -> dict[str, Any]:
    """A status as Jira shows it."""
    number, name, category = STATUSES[state]
    return {"id": number, "name": name, "statusCategory": {"key": category}}


def available(state: str) -> dict[str, Transition]:
    """The transitions of an issue in the state, by id: all that lead to another state."""
    return {number: one for number, one in TRANSITIONS.items() if one[1] != state}
