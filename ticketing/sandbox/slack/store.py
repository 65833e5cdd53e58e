"""The messages that Slack keeps, by channel and timestamp, with their threads."""

from __future__ import annotations

import json
import re
from typing import Any

from ticketing.sandbox.slack import credentials
from ticketing.sandbox.slack.answers import Arguments
from ticketing.sandbox.slack.blocks import TEXT_CHARS_MAX
from ticketing.sandbox.slack.directory import BOT_ID, BOT_USER
from ticketing.sandbox.slack.mentions import mentions_in
from ticketing.sandbox.tickets import PlatformTickets, Ticket, correlation_of, incident_id_in

_STATE = re.compile(r"\b(resolved|acknowledged|escalated|reopened|open)\b", re.IGNORECASE)
_NOT_SHOWN = frozenset({"channel", "replies", "webhook", "pings"})
"""Fields of a kept message that belong to the sandbox, not to Slack."""


class Messages:
    """Keeps messages and finds them again; every message that is no reply is a ticket."""

    def __init__(self, tickets: PlatformTickets) -> None:
        self._tickets = tickets
        self.reset()

    def reset(self) -> None:
        """Start the timestamps again."""
        self._last = 0

    def next_timestamp(self) -> str:
        """A new timestamp in microseconds since the epoch, which no other message has."""
        self._last = max(self._last + 1, int(self._tickets.now() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def find(self, channel: str, timestamp: Any) -> Ticket | None:
        """A message that is no reply, or None."""
        return self._tickets.find(f"{channel}:{timestamp}")

    def find_reply(self, channel: str, timestamp: str) -> Arguments | None:
        """A reply in any thread of the channel, or None."""
        for ticket in self.in_channel(channel):
            for reply in ticket.record["replies"]:
                if reply["ts"] == timestamp:
                    found: Arguments = reply
                    return found
        return None

    def in_channel(self, channel: str) -> list[Ticket]:
        """A channel's messages without replies, oldest first."""
        return [one for one in self._tickets.all() if one.record["channel"] == channel]

    def add(self, channel: str, message: Arguments, event: str) -> Ticket:
        """Keep a new message."""
        timestamp = self.next_timestamp()
        ticket = Ticket(
            platform=self._tickets.platform,
            id=f"{channel}:{timestamp}",
            key=timestamp,
            correlation=_correlation(message),
            title=_title(message),
            state=_state(message),
            url=f"{credentials.SITE}/archives/{channel}/p{timestamp.replace('.', '')}",
        )
        kept = stored(message, timestamp)
        ticket.record = {"channel": channel, **kept, "replies": [], "pings": mentions_in(message)}
        ticket.alarms += 1
        return self._tickets.add(ticket, event)

    def edit(self, ticket: Ticket, message: Arguments) -> None:
        """Replace a kept message; its thread stays. A mention in an edit notifies nobody."""
        kept = {name: ticket.record[name] for name in ("channel", "replies", "pings")}
        ticket.record = {**message, **kept}
        ticket.title = _title(message)
        self._tickets.note(ticket, f"edited: {ticket.title[:200]}", _state(message))


def stored(message: Arguments, timestamp: str) -> Arguments:
    """A message of the bot as Slack keeps it."""
    kept = {"type": "message", "ts": timestamp, "user": BOT_USER, "bot_id": BOT_ID}
    kept["text"] = str(message.get("text") or "")[:TEXT_CHARS_MAX]
    for name in ("blocks", "attachments", "metadata", "thread_ts"):
        if message.get(name):
            kept[name] = message[name]
    return kept


def view(ticket: Ticket, metadata: bool = True) -> Arguments:
    """A message as Slack shows it, with the facts of its thread."""
    shown = view_of_reply(ticket.record, metadata)
    replies = ticket.record["replies"]
    if replies:
        shown["thread_ts"] = ticket.key
        shown["reply_count"] = len(replies)
        shown["latest_reply"] = replies[-1]["ts"]
    return shown


def view_of_reply(message: Arguments, metadata: bool) -> Arguments:
    """A message without its thread; the metadata only if asked for."""
    hidden = _NOT_SHOWN if metadata else _NOT_SHOWN | {"metadata"}
    return {name: value for name, value in message.items() if name not in hidden and value}


def _payload(message: Arguments) -> dict[str, Any]:
    payload: dict[str, Any] = (message.get("metadata") or {}).get("event_payload", {})
    return payload


def _correlation(message: Arguments) -> str:
    """Our incident id in any text of a message, else the id in its metadata."""
    payload = _payload(message)
    texts = (payload, message.get("blocks") or [])
    found = incident_id_in(*(json.dumps(one) for one in texts), str(message.get("text") or ""))
    return found or correlation_of(str(payload.get("id") or payload.get("incident_id") or ""))


def _state(message: Arguments) -> str:
    """The incident's state by the message's metadata, else by the words of its text."""
    payload = _payload(message)
    word = payload.get("status") or payload.get("state")
    if not isinstance(word, str):
        texts = [str(message.get("text") or ""), *_headers(message)]
        match = next((found for text in texts if (found := _STATE.search(text))), None)
        word = match.group() if match else "open"
    return {"reopened": "open"}.get(word.lower(), word.lower())


def _title(message: Arguments) -> str:
    """The first header, else the first line of the text."""
    text = next(iter(_headers(message)), "") or message.get("text") or ""
    return str(text).split("\n", 1)[0][:300]


def _headers(message: Arguments) -> list[str]:
    given = message.get("blocks") or []
    return [block["text"]["text"] for block in given if block["type"] == "header"]
