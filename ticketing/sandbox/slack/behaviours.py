"""Settings of a Slack workspace that change its answers."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.sandbox.behaviours import Behaviours


@dataclass
class SlackBehaviours(Behaviours):
    """The switches of Slack."""

    edit_window: float = 0.0
    """The age in seconds after which a message can't be edited; 0 for no such age."""
    refuses_blocks: bool = False
    """Blocks are refused, as when Slack changes their rules."""
    hides_history: bool = False
    """The bot lacks the scope for the history of channels."""
