"""The history of a channel: its messages without replies, between two timestamps."""

from __future__ import annotations

from ticketing.sandbox.slack.access import is_true
from ticketing.sandbox.slack.answers import Arguments, Failure, page
from ticketing.sandbox.slack.behaviours import SlackBehaviours
from ticketing.sandbox.slack.directory import channel_of
from ticketing.sandbox.slack.store import Messages, view

FAR_FUTURE = 1e12
"""The default of `latest`, in Unix seconds that no timestamp reaches."""


class Search:
    """Lists a channel's messages, the newest first."""

    def __init__(self, messages: Messages, behaviours: SlackBehaviours) -> None:
        self._messages = messages
        self._behaviours = behaviours

    def get(self, arguments: Arguments) -> Arguments:
        """conversations.history."""
        channel = channel_of(arguments)
        if self._behaviours.hides_history:
            raise Failure("missing_scope", needed="channels:history")
        oldest, latest = _range(arguments)
        inclusive = is_true(arguments, "inclusive")
        metadata = is_true(arguments, "include_all_metadata")
        messages = [
            view(ticket, metadata)
            for ticket in reversed(self._messages.in_channel(channel))
            if _within(ticket.key, oldest, latest, inclusive)
        ]
        return page(arguments, messages)


def _range(arguments: Arguments) -> tuple[float, float]:
    try:
        return (
            float(arguments.get("oldest") or 0),
            float(arguments.get("latest") or FAR_FUTURE),
        )
    except (TypeError, ValueError):
        raise Failure("invalid_ts_oldest") from None


def _within(timestamp: str, oldest: float, latest: float, inclusive: bool) -> bool:
    at = float(timestamp)
    return oldest <= at <= latest if inclusive else oldest < at < latest
