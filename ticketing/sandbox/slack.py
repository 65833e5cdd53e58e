"""Slack: incoming webhooks and the Web API methods that a bot needs.

https://docs.slack.dev/reference/methods, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from aiohttp import web

from ticketing.sandbox import credentials, slack_blocks
from ticketing.sandbox.platform import (
    MALFORMED,
    BadAction,
    Call,
    Platform,
    Rejected,
    Route,
    whole_seconds,
)
from ticketing.sandbox.tickets import Ticket, correlation_of, incident_id_in

CHANNELS: dict[str, dict[str, Any]] = {
    credentials.SLACK_CHANNEL: {"name": credentials.SLACK_CHANNEL_NAME},
    "C0SANDBOX2": {"name": "management"},
    "C0ARCHIVED": {"name": "archived", "is_archived": True},
    "C0PRIVATE1": {"name": "private", "is_member": False},
}
BOT_USER, BOT_ID, TEAM_ID = "U0SANDBOX", "B0SANDBOX", "T0SANDBOX"
REPLIES_MAX = 1000
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 100, 999
JSON_ARGUMENTS = ("blocks", "attachments", "metadata")
_STATE = re.compile(r"\b(resolved|acknowledged|escalated|reopened|open)\b", re.IGNORECASE)

Arguments = dict[str, Any]


class Failure(Exception):
    """A Slack error code, with what it adds to the answer."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def check_message(arguments: Arguments) -> None:
    """Text, blocks and metadata of a message; raises Failure."""
    blocks = arguments.get("blocks")
    if blocks is not None:
        _check_blocks(blocks)
    text = arguments.get("text")
    if text is not None and not isinstance(text, str):
        raise Failure("invalid_arguments")
    if not blocks and not text and not arguments.get("attachments"):
        raise Failure("no_text")
    metadata = arguments.get("metadata")
    if metadata is None:
        return
    if list(slack_blocks.METADATA.problems(metadata)):
        raise Failure("invalid_metadata_format")
    if len(json.dumps(metadata)) > slack_blocks.METADATA_CHARACTERS_MAX:
        raise Failure("metadata_too_large")


def _check_blocks(blocks: Any) -> None:
    if not isinstance(blocks, list):
        raise Failure("invalid_blocks_format")
    problems = slack_blocks.problems_of(blocks)
    if problems:
        said = [f"{one.text} [json-pointer:{one.pointer}]" for one in problems[:20]]
        messages = [f"[ERROR] {text}" for text in said]
        raise Failure("invalid_blocks", errors=said, response_metadata={"messages": messages})
    if slack_blocks.characters_in(blocks) > slack_blocks.BLOCKS_CHARACTERS_MAX:
        raise Failure("msg_blocks_too_long")


def state_of(message: Arguments) -> str:
    """What a message says of its incident: its metadata if that has a status, else its words."""
    payload = (message.get("metadata") or {}).get("event_payload", {})
    word = payload.get("status") or payload.get("state")
    if not isinstance(word, str):
        texts = [str(message.get("text") or ""), *_headers(message.get("blocks") or [])]
        match = next((found for text in texts if (found := _STATE.search(text))), None)
        word = match.group() if match else "open"
    return {"reopened": "open"}.get(word.lower(), word.lower())


def _headers(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["text"]["text"] for block in blocks if block["type"] == "header"]


def title_of(message: Arguments) -> str:
    """The first header, else the first line of the text."""
    text = next(iter(_headers(message.get("blocks") or [])), "") or message.get("text") or ""
    return str(text).split("\n", 1)[0][:300]


class Slack(Platform):
    """Messages by channel and timestamp; every message that is no reply is a ticket."""

    name: ClassVar[str] = "slack"

    def reset(self) -> None:
        """No messages."""
        self._last = 0

    def routes(self) -> Iterable[Route]:
        """The webhook and the methods, each by GET and POST as Slack takes them."""
        yield "POST", "/services/{team}/{bot}/{token}", self._webhook
        methods: dict[str, Callable[[Call, Arguments], Arguments]] = {
            "auth.test": self._auth_test,
            "api.test": lambda call, arguments: {"args": {}},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.info": self._info,
            "conversations.list": self._list,
        }
        for method, handler in methods.items():
            yield "POST", f"/api/{method}", self._method(handler)
            if not method.startswith("chat.") or method == "chat.getPermalink":
                yield "GET", f"/api/{method}", self._method(handler)
        yield "POST", "/api/{method}", lambda call: self._failed(Failure("unknown_method"))

    def _method(
        self, handler: Callable[[Call, Arguments], Arguments]
    ) -> Callable[[Call], web.Response]:
        def answer(call: Call) -> web.Response:
            try:
                arguments = self._arguments(call)
                self._authorize(call, arguments)
                return web.json_response({"ok": True, **handler(call, arguments)})
            except Failure as failure:
                return self._failed(failure)

        return answer

    def _failed(self, failure: Failure) -> web.Response:
        """Slack's errors are answered with 200."""
        return web.json_response({"ok": False, "error": failure.code, **failure.more})

    def _arguments(self, call: Call) -> Arguments:
        if call.body is MALFORMED:
            raise Failure("invalid_json")
        arguments: Arguments = dict(call.query)
        if isinstance(call.body, dict):
            arguments.update(call.body)
        elif call.body is not None:
            raise Failure("invalid_post_type")
        for name in JSON_ARGUMENTS:
            if isinstance(arguments.get(name), str):
                try:
                    arguments[name] = json.loads(arguments[name])
                except ValueError:
                    raise Failure(f"invalid_{name}_format") from None
        return arguments

    def _authorize(self, call: Call, arguments: Arguments) -> None:
        token = call.token("Bearer") or arguments.get("token")
        if not token:
            raise Failure("not_authed")
        if token != credentials.SLACK_BOT_TOKEN:
            raise Failure("invalid_auth")

    def _channel(self, arguments: Arguments, names: bool = False) -> str:
        """A channel's id; only posting accepts its name."""
        wanted = arguments.get("channel")
        if not isinstance(wanted, str):
            raise Failure("channel_not_found")
        if names:
            for channel_id, channel in CHANNELS.items():
                if wanted.lstrip("#") == channel["name"]:
                    wanted = channel_id
        if wanted not in CHANNELS:
            raise Failure("channel_not_found")
        return wanted

    def _writable(self, arguments: Arguments, names: bool = False) -> str:
        channel = self._channel(arguments, names)
        if CHANNELS[channel].get("is_archived"):
            raise Failure("is_archived")
        if CHANNELS[channel].get("is_member") is False:
            raise Failure("not_in_channel")
        return channel

    def _next_ts(self) -> str:
        """Microseconds since the epoch, each only once."""
        self._last = max(self._last + 1, int(self.tickets.now() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def _auth_test(self, call: Call, arguments: Arguments) -> Arguments:
        return {
            "url": "https://sandbox.slack.example/",
            "team": "Sandbox",
            "user": "ticketing",
            "team_id": TEAM_ID,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _post(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._writable(arguments, names=True)
        check_message(arguments)
        thread = arguments.get("thread_ts")
        if thread is not None:
            return self._reply(channel, thread, arguments)
        ticket = self._message(channel, arguments, "posted")
        return {"channel": channel, "ts": ticket.key, "message": self._view(ticket)}

    def _message(self, channel: str, message: Arguments, what: str) -> Ticket:
        ts = self._next_ts()
        metadata = json.dumps((message.get("metadata") or {}).get("event_payload", {}))
        payload = (message.get("metadata") or {}).get("event_payload", {})
        correlation = incident_id_in(
            metadata, json.dumps(message.get("blocks") or []), str(message.get("text") or "")
        )
        ticket = Ticket(
            platform=self.name,
            id=f"{channel}:{ts}",
            key=ts,
            correlation=correlation
            or correlation_of(str(payload.get("id") or payload.get("incident_id") or "")),
            title=title_of(message),
            state=state_of(message),
            url=f"https://sandbox.slack.example/archives/{channel}/p{ts.replace('.', '')}",
        )
        ticket.record = {"channel": channel, **self._stored(message, ts), "replies": []}
        return self.tickets.add(ticket, what)

    def _stored(self, message: Arguments, ts: str) -> Arguments:
        stored = {"type": "message", "ts": ts, "user": BOT_USER, "bot_id": BOT_ID}
        stored["text"] = str(message.get("text") or "")[: slack_blocks.TEXT_CHARACTERS_MAX]
        for name in ("blocks", "attachments", "metadata", "thread_ts"):
            if message.get(name):
                stored[name] = message[name]
        return stored

    def _reply(self, channel: str, thread: Any, arguments: Arguments) -> Arguments:
        parent = self.find(f"{channel}:{thread}")
        if parent is None:
            raise Failure("thread_not_found")
        replies: list[Arguments] = parent.record["replies"]
        if len(replies) >= REPLIES_MAX:
            raise Failure("message_limit_exceeded")
        reply = self._stored(arguments, self._next_ts())
        broadcast = arguments.get("reply_broadcast") in (True, "true", "1")
        if broadcast:
            reply["subtype"] = "thread_broadcast"
        replies.append(reply)
        self.tickets.note(parent, f"reply{' to all' if broadcast else ''}: {reply['text'][:200]}")
        return {"channel": channel, "ts": reply["ts"], "message": reply}

    def _update(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._writable(arguments)
        ts = str(arguments.get("ts") or "")
        ticket = self.find(f"{channel}:{ts}")
        reply = None if ticket else self._find_reply(channel, ts)
        if ticket is None and reply is None:
            raise Failure("message_not_found")
        if ticket is not None and ticket.record.get("webhook"):
            raise Failure("cant_update_message")
        check_message(arguments)
        stored = self._stored(arguments, ts)
        if ticket is None:
            assert reply is not None
            reply.update(stored)
        else:
            stored.setdefault("metadata", ticket.record.get("metadata"))
            kept = {"channel": channel, "replies": ticket.record["replies"]}
            ticket.record = {**stored, **kept}
            ticket.title = title_of(stored)
            self.tickets.note(ticket, f"edited: {ticket.title[:200]}", state_of(stored))
        return {"channel": channel, "ts": ts, "text": stored["text"], "message": stored}

    def _find_reply(self, channel: str, ts: str) -> Arguments | None:
        for ticket in self.listing():
            if ticket.record["channel"] == channel:
                for reply in ticket.record["replies"]:
                    if reply["ts"] == ts:
                        found: Arguments = reply
                        return found
        return None

    def _delete(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._channel(arguments)
        ts = str(arguments.get("ts") or "")
        ticket = self.find(f"{channel}:{ts}")
        if ticket is None:
            raise Failure("message_not_found")
        self.tickets.note(ticket, "deleted by the bot", "deleted")
        return {"channel": channel, "ts": ts}

    def _permalink(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._channel(arguments)
        ticket = self.find(f"{channel}:{arguments.get('message_ts')}")
        if ticket is None:
            raise Failure("message_not_found")
        return {"channel": channel, "permalink": ticket.url}

    def _history(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._channel(arguments)
        oldest, latest = self._range(arguments)
        inclusive = arguments.get("inclusive") in (True, "true", "1")
        messages = [
            self._view(ticket, self._wants_metadata(arguments))
            for ticket in reversed(self.listing())
            if ticket.record["channel"] == channel
            and self._within(ticket.key, oldest, latest, inclusive)
        ]
        return self._page(arguments, messages)

    def _wants_metadata(self, arguments: Arguments) -> bool:
        return arguments.get("include_all_metadata") in (True, "true", "1")

    def _range(self, arguments: Arguments) -> tuple[float, float]:
        try:
            return (
                float(arguments.get("oldest") or 0),
                float(arguments.get("latest") or 1e12),
            )
        except (TypeError, ValueError):
            raise Failure("invalid_ts_oldest") from None

    def _within(self, ts: str, oldest: float, latest: float, inclusive: bool) -> bool:
        at = float(ts)
        return oldest <= at <= latest if inclusive else oldest < at < latest

    def _page(self, arguments: Arguments, rows: list[Arguments]) -> Arguments:
        try:
            limit = int(arguments.get("limit") or PAGE_SIZE_DEFAULT)
            start = int(arguments.get("cursor") or 0)
        except (TypeError, ValueError):
            raise Failure("invalid_cursor") from None
        if not 1 <= limit <= PAGE_SIZE_MAX:
            raise Failure("invalid_limit")
        end = start + limit
        more = end < len(rows)
        return {
            "messages": rows[start:end],
            "has_more": more,
            "response_metadata": {"next_cursor": str(end) if more else ""},
        }

    def _replies(self, call: Call, arguments: Arguments) -> Arguments:
        channel = self._channel(arguments)
        ticket = self.find(f"{channel}:{arguments.get('ts')}")
        if ticket is None:
            raise Failure("thread_not_found")
        metadata = self._wants_metadata(arguments)
        replies = [self._shown(reply, metadata) for reply in ticket.record["replies"]]
        return self._page(arguments, [self._view(ticket, metadata), *replies])

    def _info(self, call: Call, arguments: Arguments) -> Arguments:
        return {"channel": self._channel_view(self._channel(arguments))}

    def _list(self, call: Call, arguments: Arguments) -> Arguments:
        channels = [self._channel_view(channel) for channel in CHANNELS]
        return {"channels": channels, "response_metadata": {"next_cursor": ""}}

    def _channel_view(self, channel: str) -> Arguments:
        base = {"id": channel, "is_channel": True, "is_archived": False, "is_member": True}
        return {**base, **CHANNELS[channel]}

    def _view(self, ticket: Ticket, metadata: bool = True) -> Arguments:
        shown = self._shown(ticket.record, metadata)
        replies = ticket.record["replies"]
        if replies:
            shown["thread_ts"] = ticket.key
            shown["reply_count"] = len(replies)
            shown["latest_reply"] = replies[-1]["ts"]
        return shown

    def _shown(self, message: Arguments, metadata: bool) -> Arguments:
        hidden = {"channel", "replies", "webhook"} | (set() if metadata else {"metadata"})
        return {name: value for name, value in message.items() if name not in hidden and value}

    def _webhook(self, call: Call) -> web.Response:
        """Answers in plain text, and never says which message it made."""
        if call.path != credentials.SLACK_WEBHOOK_PATH:
            raise Rejected(web.Response(status=404, text="no_service"))
        body = call.body
        if isinstance(body, dict) and isinstance(body.get("payload"), str):
            try:
                body = json.loads(body["payload"])
            except ValueError:
                body = MALFORMED
        if not isinstance(body, dict):
            raise Rejected(web.Response(status=400, text="invalid_payload"))
        try:
            check_message({**body, "metadata": None})
        except Failure as failure:
            raise Rejected(web.Response(status=400, text=failure.code)) from None
        message = {**body, "metadata": None}
        ticket = self._message(credentials.SLACK_CHANNEL, message, "posted by the webhook")
        ticket.record["webhook"] = True
        return web.Response(text="ok")

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """The Web API's own 5xx are JSON too; a webhook's are a word."""
        code = {404: "unknown_method", 413: "request_too_large"}.get(status, "internal_error")
        if call is not None and call.path.startswith("/services/"):
            return web.Response(status=status, text="no_service" if status == 404 else code)
        return web.json_response({"ok": False, "error": code}, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with Retry-After in seconds."""
        headers = {"Retry-After": whole_seconds(retry_after)}
        if call.path.startswith("/services/"):
            return web.Response(status=429, text="rate_limited", headers=headers)
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def act(self, ticket: Ticket, action: str) -> None:
        """A person can delete a message in Slack, nothing else."""
        raise BadAction(f"slack has no {action}")
