"""Slack's paths: the incoming webhook, and the Web API methods.

https://docs.slack.dev/reference/methods,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from ticketing.sandbox.platform import BadAction, Call, Route, StandIn, whole_seconds
from ticketing.sandbox.recording import MASK
from ticketing.sandbox.slack import directory
from ticketing.sandbox.slack.access import Method, handler_of
from ticketing.sandbox.slack.answers import Failure, failed
from ticketing.sandbox.slack.behaviours import SlackBehaviours
from ticketing.sandbox.slack.comments import Replies
from ticketing.sandbox.slack.search import Search
from ticketing.sandbox.slack.store import Messages
from ticketing.sandbox.slack.tickets import MessageCalls
from ticketing.sandbox.slack.webhook import Webhook
from ticketing.sandbox.tickets import PlatformTickets, Ticket

WEBHOOKS = "/services/"


class Slack(StandIn):
    """Messages by channel and timestamp; every message that is no reply is a ticket."""

    name: ClassVar[str] = "slack"
    session_cookie: ClassVar[str] = "b"

    def __init__(self, tickets: PlatformTickets) -> None:
        super().__init__(tickets)
        self.behaviours = switches = SlackBehaviours()
        self.messages = Messages(tickets)
        self.replies = Replies(tickets, self.messages, switches)
        self.calls = MessageCalls(tickets, self.messages, self.replies, switches)
        self.search = Search(self.messages, switches)
        self.webhook = Webhook(self.messages, switches)

    def reset(self) -> None:
        """Forget all messages."""
        self.messages.reset()

    def routes(self) -> Iterable[Route]:
        """The webhook, and the methods: by POST, and reading ones also by GET, as in Slack."""
        yield "POST", f"{WEBHOOKS}{{team}}/{{bot}}/{{token}}", self.webhook.post
        writing: dict[str, Method] = {
            "chat.postMessage": self.calls.post,
            "chat.update": self.calls.update,
            "chat.delete": self.calls.delete,
        }
        reading: dict[str, Method] = {
            "auth.test": directory.auth_test,
            "api.test": lambda arguments: {"args": {}},
            "chat.getPermalink": self.calls.permalink,
            "conversations.history": self.search.get,
            "conversations.replies": self.replies.get,
            "conversations.info": directory.channel_info,
            "conversations.list": directory.channels,
        }
        for method, answer in {**writing, **reading}.items():
            yield "POST", f"/api/{method}", handler_of(answer)
            if method in reading:
                yield "GET", f"/api/{method}", handler_of(answer)
        yield "POST", "/api/{method}", lambda call: failed(Failure("unknown_method"))

    def error(self, call: Call | None, status: int, reason: str) -> web.Response:
        """An error: a word from a webhook, JSON from the Web API, also with a status of 5xx."""
        code = {404: "unknown_method", 413: "request_too_large"}.get(status, "internal_error")
        if call is not None and call.path.startswith(WEBHOOKS):
            return web.Response(status=status, text="no_service" if status == 404 else code)
        return web.json_response({"ok": False, "error": code}, status=status)

    def rate_limited(self, call: Call, retry_after: float) -> web.Response:
        """429 with Retry-After in seconds."""
        headers = {"Retry-After": whole_seconds(retry_after)}
        if call.path.startswith(WEBHOOKS):
            return web.Response(status=429, text="rate_limited", headers=headers)
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def act(self, ticket: Ticket, action: str) -> None:
        """Raise BadAction, as a person can only delete a message in Slack."""
        raise BadAction(f"slack has no {action}")

    def masked_path(self, path: str) -> str:
        """The path without a webhook's tokens, which are its secret."""
        if path.startswith(WEBHOOKS) and path != WEBHOOKS:
            return f"{WEBHOOKS}{MASK}/{MASK}/{MASK}"
        return path
