"""The form of Zammad's errors."""

from __future__ import annotations

from typing import NoReturn

from aiohttp import web

from ticketing.sandbox.platform import Refusal


def failure(status: int, reason: str) -> web.Response:
    """An error with the reason twice, the second time for people."""
    return web.json_response({"error": reason, "error_human": reason}, status=status)


def refuse(status: int, reason: str) -> NoReturn:
    """Stop handling with an error."""
    raise Refusal(failure(status, reason))
