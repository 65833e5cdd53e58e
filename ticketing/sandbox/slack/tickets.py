"""Messages by the Web API: post, update, delete, permalink. Reading is in `search`."""

from __future__ import annotations

from ticketing.sandbox.slack.answers import Arguments, Failure
from ticketing.sandbox.slack.behaviours import SlackBehaviours
from ticketing.sandbox.slack.comments import Replies
from ticketing.sandbox.slack.directory import channel_of, writable_channel_of
from ticketing.sandbox.slack.rules import check_message
from ticketing.sandbox.slack.store import Messages, stored, view
from ticketing.sandbox.tickets import PlatformTickets, Ticket


class MessageCalls:
    """The methods chat.* of the Web API."""

    def __init__(
        self,
        tickets: PlatformTickets,
        messages: Messages,
        replies: Replies,
        behaviours: SlackBehaviours,
    ) -> None:
        self._tickets = tickets
        self._behaviours = behaviours
        self._messages = messages
        self._replies = replies

    def post(self, arguments: Arguments) -> Arguments:
        """chat.postMessage: a message, or a reply if the arguments name a thread."""
        channel = writable_channel_of(arguments, names=True)
        check_message(arguments, self._behaviours)
        thread = arguments.get("thread_ts")
        if thread is not None:
            return self._replies.add(channel, thread, arguments)
        ticket = self._messages.add(channel, arguments, "posted")
        return {"channel": channel, "ts": ticket.key, "message": view(ticket)}

    def update(self, arguments: Arguments) -> Arguments:
        """chat.update of a message or a reply, but not of a webhook's message."""
        channel = writable_channel_of(arguments)
        timestamp = str(arguments.get("ts") or "")
        ticket = self._messages.find(channel, timestamp)
        reply = None if ticket else self._messages.find_reply(channel, timestamp)
        if ticket is None and reply is None:
            raise Failure("message_not_found")
        if ticket is not None and ticket.record.get("webhook"):
            raise Failure("cant_update_message")
        window = self._behaviours.edit_window
        if window and self._tickets.now() - float(timestamp) >= window:
            raise Failure("edit_window_closed")
        check_message(arguments, self._behaviours)
        message = stored(arguments, timestamp)
        if ticket is not None:
            # Metadata stays unless other metadata is sent.
            message.setdefault("metadata", ticket.record.get("metadata"))
            self._messages.edit(ticket, message)
        elif reply is not None:
            reply.update(message)
        return {"channel": channel, "ts": timestamp, "text": message["text"], "message": message}

    def delete(self, arguments: Arguments) -> Arguments:
        """chat.delete of a message with its thread."""
        channel = channel_of(arguments)
        timestamp = str(arguments.get("ts") or "")
        ticket = self._known(channel, timestamp)
        self._tickets.note(ticket, "deleted by the bot", "deleted")
        return {"channel": channel, "ts": timestamp}

    def permalink(self, arguments: Arguments) -> Arguments:
        """chat.getPermalink."""
        channel = channel_of(arguments)
        ticket = self._known(channel, str(arguments.get("message_ts")))
        return {"channel": channel, "permalink": ticket.url}

    def _known(self, channel: str, timestamp: str) -> Ticket:
        ticket = self._messages.find(channel, timestamp)
        if ticket is None:
            raise Failure("message_not_found")
        return ticket
