"""Slack, as a bot and through an incoming webhook."""

from __future__ import annotations

import json
from typing import Any

from support.contract import Reply, Subject
from support.vendors import Vendor

from sinks.calls.outcome import Refused, RetryAfter, Unknown
from ticketing.sandbox.slack import credentials
from ticketing.sandbox.tickets import Ticket


def texts(ticket: Ticket) -> list[str]:
    messages = [ticket.record, *ticket.record["replies"]]
    return [ticket.title, *(text for one in messages for text in _texts_in(one))]


def _texts_in(message: dict[str, Any]) -> list[str]:
    """What a reader sees: the blocks, as `text` only stands in notifications while there are any."""
    if not message.get("blocks"):
        return [str(message.get("text"))]
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str) and value.get("type") != "message":
                found.append(value["text"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(message.get("blocks"))
    return found


def says_it_may_be_a_repeat(ticket: Ticket) -> bool:
    return "Possible repeat" in "".join(texts(ticket))


def is_critical(ticket: Ticket) -> bool:
    return "CRITICAL" in ticket.title


def is_shown_to_all(ticket: Ticket) -> bool:
    replies = ticket.record["replies"]
    return any(one.get("subtype") == "thread_broadcast" for one in replies)


def failed(error: str, outcome: type) -> Reply:
    return Reply(status=200, body=json.dumps({"ok": False, "error": error}), outcome=outcome)


SUBJECTS = [
    Subject(
        name="slack-bot",
        platform="slack",
        texts=texts,
        section=lambda base: {"signingSecret": credentials.SIGNING_SECRET},
        raises=is_critical,
        escalates=is_shown_to_all,
        person=frozenset({"delete"}),
        installations=({"refuses_blocks": True},),
        wrong={"botToken": "xoxb-wrong"},
        replies=(
            failed("ratelimited", RetryAfter),
            failed("request_timeout", RetryAfter),
            failed("internal_error", Unknown),
            failed("fatal_error", Unknown),
            failed("service_unavailable", Unknown),
            failed("invalid_auth", Refused),
            failed("token_revoked", Refused),
            failed("missing_scope", Refused),
            failed("channel_not_found", Refused),
            failed("not_in_channel", Refused),
            failed("is_archived", Refused),
            failed("no_text", Refused),
            failed("invalid_blocks", Refused),
            failed("msg_blocks_too_long", Refused),
            failed("an_error_of_next_year", Refused),
            Reply(status=200, body='{"ok": "yes"}', outcome=Unknown),
            Reply(status=200, body='{"ok": true}', outcome=Unknown),
        ),
    ),
    Subject(
        name="slack-webhook",
        platform="slack",
        texts=texts,
        section=lambda base: {"webhookUrl": credentials.webhook_url(base)},
        without=("botToken", "channel"),
        raises=is_critical,
        message_only=True,
        marked=says_it_may_be_a_repeat,
        person=frozenset(),
        wrong={"webhookUrl": "http://127.0.0.1:9/services/T0/B0/wrong"},
        replies=(
            Reply(status=400, body="invalid_payload", outcome=Refused),
            Reply(status=403, body="action_prohibited", outcome=Refused),
            Reply(status=404, body="no_service", outcome=Refused),
            Reply(status=410, body="channel_is_archived", outcome=Refused),
            Reply(status=500, body="rollup_error", outcome=Unknown),
            Reply(status=200, body="okay?", outcome=Unknown),
        ),
    ),
]

PAGE = "?oldest ?latest ?inclusive ?cursor ?limit"
VENDOR = Vendor(
    refusals=frozenset({400, 403, 404, 410, 429}),
    calls=f"""
        POST /services/{{}}/{{}}/{{}} text blocks attachments unfurl_links unfurl_media 200
        GET /api/auth.test 200
        POST /api/chat.postMessage channel! text blocks metadata thread_ts reply_broadcast ... 200
        POST /api/chat.update channel! ts! text blocks metadata ... 200
        GET /api/chat.getPermalink ?channel ?message_ts 200
        GET /api/conversations.history ?channel ?include_all_metadata {PAGE} 200
        GET /api/conversations.replies ?channel ?ts ?include_all_metadata {PAGE} 200
        GET /api/conversations.info ?channel 200
        GET /api/conversations.list ?types ?exclude_archived ?cursor ?limit 200
        POST /api/conversations.join channel! 200
    """,
)
