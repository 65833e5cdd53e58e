"""The form of PagerDuty's answers: pages of lists and errors of REST, errors of events."""

from __future__ import annotations

from typing import Any, NoReturn

from aiohttp import web

from ticketing.sandbox.platform import Call, Refusal

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 25, 100
"""PagerDuty's own."""

# Error codes: https://developer.pagerduty.com/docs/errors
INVALID_INPUT = 2001
ALREADY_RESOLVED, ALREADY_ACKNOWLEDGED, CANNOT_ESCALATE = 1001, 1002, 1006
CODES = {400: INVALID_INPUT, 401: 2006, 403: 2010, 404: 2100, 429: 2020, 500: 2000}
"""PagerDuty's error code by HTTP status."""
MESSAGES = {
    ALREADY_RESOLVED: "Incident Already Resolved",
    ALREADY_ACKNOWLEDGED: "Incident Already Acknowledged",
}


def failure(status: int, message: str) -> web.Response:
    """An error of REST with the code of its status."""
    return _failure(status, CODES.get(status, 2000), message, [])


def _failure(status: int, code: int, message: str, errors: list[str]) -> web.Response:
    error: dict[str, Any] = {"message": message, "code": code}
    if errors:
        error["errors"] = errors
    return web.json_response({"error": error}, status=status)


def refuse(status: int, reason: str) -> NoReturn:
    """Stop handling a call to REST."""
    raise Refusal(failure(status, reason))


def refuse_input(error: str, *more: str, code: int = INVALID_INPUT) -> NoReturn:
    """Stop handling a call to REST with 400 and its errors in words."""
    message = MESSAGES.get(code, "Invalid Input Provided")
    raise Refusal(_failure(400, code, message, [error, *more]))


def page(call: Call, name: str, rows: list[dict[str, Any]]) -> web.Response:
    """A page of a list, by `limit` and `offset`."""
    limit = call.query.get("limit", str(PAGE_SIZE_DEFAULT))
    offset = call.query.get("offset", "0")
    if not limit.isdecimal() or not offset.isdecimal() or int(limit) > PAGE_SIZE_MAX:
        refuse_input("limit or offset is invalid")
    start, end = int(offset), int(offset) + int(limit)
    facts = {"limit": int(limit), "offset": start, "total": None, "more": len(rows) > end}
    return web.json_response({name: rows[start:end], **facts})


def event_failure(status: int, state: str, message: str, errors: list[str]) -> web.Response:
    """An error of the Events API."""
    body = {"status": state, "message": message, "errors": errors}
    return web.json_response(body, status=status)


def refuse_event(error: str, *more: str) -> NoReturn:
    """Stop handling an event that breaks a rule."""
    errors = [error, *more]
    raise Refusal(event_failure(400, "invalid event", "Event object is invalid", errors))
