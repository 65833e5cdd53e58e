"""The form of the Web API's answers: 200 with `ok`, also for errors; pages by a cursor."""

from __future__ import annotations

from typing import Any

from aiohttp import web

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 100, 999
"""Slack's own, of conversations.history."""

Arguments = dict[str, Any]
"""A method's arguments, a message, or the fields of an answer beside `ok`."""


class Failure(Exception):
    """A Slack error code, with more fields for the answer."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def failed(failure: Failure) -> web.Response:
    """An error, answered with 200."""
    return web.json_response({"ok": False, "error": failure.code, **failure.more})


def page(arguments: Arguments, rows: list[Arguments]) -> Arguments:
    """A page of messages; the cursor is the number of the next message."""
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
