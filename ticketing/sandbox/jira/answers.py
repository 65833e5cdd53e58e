"""The form of Jira's answers: pages of lists, errors with messages and problems by field."""

from __future__ import annotations

from typing import Any, NoReturn

from aiohttp import web

from ticketing.sandbox.platform import Refusal

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 50, 5000
"""Those of Jira's searches and lists."""


def failure(status: int, messages: list[str], by_field: dict[str, str]) -> web.Response:
    """An error with messages for the whole request and for single fields."""
    return web.json_response({"errorMessages": messages, "errors": by_field}, status=status)


def refuse(status: int, reason: str) -> NoReturn:
    """Stop handling with one message."""
    raise Refusal(failure(status, [reason], {}))


def refuse_fields(by_field: dict[str, str]) -> NoReturn:
    """Stop handling with 400 and the problems of fields."""
    raise Refusal(failure(400, [], by_field))


def start_and_size(given: dict[str, Any]) -> tuple[int, int]:
    """The first row and the number of rows that a request asks for."""
    try:
        start, size = int(given.get("startAt", 0)), int(given.get("maxResults", PAGE_SIZE_DEFAULT))
    except (TypeError, ValueError):
        refuse(400, "startAt and maxResults must be numbers.")
    if start < 0 or not 0 <= size <= PAGE_SIZE_MAX:
        refuse(400, "startAt or maxResults is out of range.")
    return start, size
