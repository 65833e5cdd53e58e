"""Replies in the threads of messages."""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.slack.access import is_true
from ticketing.sandbox.slack.answers import Arguments, Failure, page
from ticketing.sandbox.slack.behaviours import SlackBehaviours
from ticketing.sandbox.slack.directory import channel_of
from ticketing.sandbox.slack.mentions import mentions_in
from ticketing.sandbox.slack.store import Messages, stored, view, view_of_reply
from ticketing.sandbox.tickets import PlatformTickets

REPLIES_MAX = 1000
"""Bounds the memory of one thread, far above what an incident's steps need."""


class Replies:
    """Adds replies to a thread and reads it."""

    def __init__(
        self, tickets: PlatformTickets, messages: Messages, behaviours: SlackBehaviours
    ) -> None:
        self._tickets = tickets
        self._messages = messages
        self._behaviours = behaviours

    def add(self, channel: str, thread: Any, arguments: Arguments) -> Arguments:
        """chat.postMessage with `thread_ts`."""
        parent = self._messages.find(channel, thread)
        if parent is None:
            raise Failure("thread_not_found")
        replies: list[Arguments] = parent.record["replies"]
        if len(replies) >= REPLIES_MAX:
            raise Failure("message_limit_exceeded")
        reply = stored(arguments, self._messages.next_timestamp())
        broadcast = is_true(arguments, "reply_broadcast")
        if broadcast:
            reply["subtype"] = "thread_broadcast"
            parent.alarms += 1
        replies.append(reply)
        parent.record["pings"] += mentions_in(arguments)
        self._tickets.note(parent, f"reply{' to all' if broadcast else ''}: {reply['text'][:200]}")
        return {"channel": channel, "ts": reply["ts"], "message": reply}

    def get(self, arguments: Arguments) -> Arguments:
        """conversations.replies: a message and its replies, oldest first."""
        channel = channel_of(arguments)
        if self._behaviours.hides_history:
            raise Failure("missing_scope", needed="channels:history")
        ticket = self._messages.find(channel, arguments.get("ts"))
        if ticket is None:
            raise Failure("thread_not_found")
        metadata = is_true(arguments, "include_all_metadata")
        replies = [view_of_reply(reply, metadata) for reply in ticket.record["replies"]]
        return page(arguments, [view(ticket, metadata), *replies])
