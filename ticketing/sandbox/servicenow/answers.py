"""The form of ServiceNow's answers: a result, or a message with a detail."""

from __future__ import annotations

from typing import Any, NoReturn

from aiohttp import web

from ticketing.sandbox.platform import Refusal


def result(found: Any, status: int = 200) -> web.Response:
    """A row or rows."""
    return web.json_response({"result": found}, status=status)


def broken_off() -> web.Response:
    """A list that ends early: the status was sent before the query was cancelled."""
    message = "Transaction cancelled: maximum execution time exceeded"
    error = {"message": message, "detail": "Check logs for error trace"}
    return web.json_response({"result": [], "error": error, "status": "failure"})


def failure(status: int, message: str, detail: str | None) -> web.Response:
    """An error; its field `status` is always "failure"."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return web.json_response(body, status=status)


def refuse(status: int, message: str, detail: str | None) -> NoReturn:
    """Stop handling with an error."""
    raise Refusal(failure(status, message, detail))


def refuse_unknown_row() -> NoReturn:
    """Stop handling with 404."""
    detail = "Record doesn't exist or ACL restricts the record retrieval"
    refuse(404, "No Record found", detail)
