"""Zammad's settings and releases that change its answers."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.behaviours import Behaviours


@dataclass
class ZammadBehaviours(Behaviours):
    """The switches of Zammad."""

    search_answers_object: bool = True
    """A search without `expand=true` answers ids and assets in an object, as before Zammad 6.5."""
    tag_new: bool = True
    """Unknown tags are made; if not, a tag that no administrator made is dropped in silence."""
    keeps_note: bool = True
    """The column `note` of a ticket is kept; a trigger or workflow of an installation may empty it."""
    drops_unknown: bool = False
    """Attributes that no ticket has are dropped in silence, as releases do that clean what they are
    sent; if not, they are refused with 422, which shows a wrong name of our own."""
    refuses_after_create: bool = False
    """A create is carried out and then answered with 422."""
    ignores: str = ""
    """A column of a ticket that a core workflow keeps as it is, whatever is sent."""
