"""Screens and validators of a Jira that take away fields."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.behaviours import Behaviours


@dataclass
class JiraBehaviours(Behaviours):
    """The switches of Jira. Fields are listed by id with commas."""

    screen_without: str = ""
    """Fields that are on no screen."""
    refuses_in_turn: str = ""
    """Fields that are refused one at a time, each in an answer of its own."""
    refuses_unnamed: str = ""
    """Fields that a workflow's validator refuses with a message that names no field."""
