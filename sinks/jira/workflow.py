"""Chooses transitions of a workflow by name, status or category. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sinks.calls.outcome import Reason
from sinks.jira import fields
from sinks.jira.answers import Field, Status, Transition
from sinks.jira.dialect import Dialect
from ticketing.errors import Rejected

STARTED = "indeterminate"
RESOLUTION = "resolution"
RESOLUTIONS = ("done", "fixed", "resolved")
"""Names of the resolution if none is configured; without any of them, the first one is taken."""


class NoWay(Rejected):
    """A workflow without a fitting transition; `detail` lists the existing ones and the setting."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.INVALID.value, detail)


def is_at(wanted: str, status: Status) -> bool:
    """True if the status has the wanted name or category."""
    category = status.status_category
    names = (status.name, category.key, category.name)
    return wanted.casefold() in (name.casefold() for name in names if name)


def choose(wanted: str, transitions: list[Transition]) -> Transition | None:
    """The transition named `wanted`, else one to a status of that name, else of that category.

    Of several transitions the one with the fewest required fields, then the first one, is taken.
    """
    word = wanted.casefold()
    for suits in (
        lambda one: one.name.casefold() == word,
        lambda one: one.to.name.casefold() == word,
        lambda one: is_at(wanted, one.to),
    ):
        if found := [one for one in transitions if suits(one)]:
            return min(found, key=lambda one: len(_needed(one)))
    return None


def detour(transitions: list[Transition], seen: Collection[str]) -> Transition | None:
    """A transition to a status in progress, for workflows without a direct way."""
    return next(
        (
            one
            for one in transitions
            if one.to.status_category.key == STARTED and one.to.name not in seen
        ),
        None,
    )


def screen_fields(
    transition: Transition, given: dict[str, Any], dialect: Dialect, resolution: str = ""
) -> dict[str, Any]:
    """The fields sent with a transition: given fields that are on its screen, and a resolution.

    If the screen has a resolution, an issue without one would count as unresolved: the named
    resolution is sent, else a usual one. Raises NoWay if a required field is missing.
    """
    sent: dict[str, Any] = {}
    for name, value in given.items():
        if found := fields.find(transition.fields.items(), name):
            try:
                sent[found[0]] = fields.typed(value, found[1], dialect)
            except fields.BadValue as error:
                raise NoWay(f"jira.transitions.fields.{name}: {error.detail}") from None
    on_screen = transition.fields.get(RESOLUTION)
    if on_screen and RESOLUTION not in sent and (named := _resolution(on_screen, resolution)):
        sent[RESOLUTION] = {"name": named}
    if missing := [name for name in _needed(transition) if name not in sent]:
        listed = ", ".join(f"{one} ({transition.fields[one].name})" for one in missing)
        raise NoWay(f"jira.transitions.fields: '{transition.name}' needs {listed}")
    return sent


def no_way(key: str, wanted: str, status: Status, transitions: list[Transition]) -> NoWay:
    """The error for a status without a fitting transition, with the existing ones."""
    ways = ", ".join(f"'{one.name}' to '{one.to.name}'" for one in transitions) or "none"
    return NoWay(
        f"jira.transitions.{key}: no transition '{wanted}' from status '{status.name}' is open to "
        f"our account; available: {ways}"
    )


def _needed(transition: Transition) -> list[str]:
    return [
        name
        for name, field in transition.fields.items()
        if field.required and not field.has_default_value
    ]


def _resolution(field: Field, wanted: str) -> str:
    names = fields.allowed(field)
    words = (wanted.casefold(), *RESOLUTIONS)
    usual = [name for word in words for name in names if name.casefold() == word]
    return next(iter([*usual, *names]), "")
