"""Answers that no client can read although the request took effect."""

from __future__ import annotations

from enum import Enum

from aiohttp import web

LEVELS = 100_000
"""Deeper than any parser follows."""
LEVELS_READ = 400
"""Deep, and followed by parsers whose reader may not follow."""
SPACES = 8 * 1024 * 1024
"""More than a client has reason to read."""


class Form(str, Enum):
    """The way in which an answer can't be read."""

    BYTES = "bytes"
    """A byte that is not UTF-8 in the first text."""
    NESTED = "nested"
    """A field with lists in lists, without end."""
    DEEP = "deep"
    """A field with lists in lists, some hundred of them."""
    HUGE = "huge"
    """Spaces after the end, more than a client reads."""
    SHORT = "short"
    """The connection ends before the answer does."""


def garbled(body: bytes, form: Form) -> bytes:
    """The body of an answer in a form that can't be read; `short` leaves the body as it is."""
    if form is Form.BYTES:
        return body.replace(b'"', b'"\xff', 1) if b'"' in body else body + b"\xff"
    if form in (Form.NESTED, Form.DEEP):
        levels = LEVELS if form is Form.NESTED else LEVELS_READ
        lists = b"[" * levels + b"]" * levels
        return b'{"more": ' + lists + b", " + body[1:] if body[:1] == b"{" else lists
    return body + b" " * SPACES if form is Form.HUGE else body


async def answer(request: web.Request, response: web.Response, form: Form) -> web.StreamResponse:
    """The answer in a form that can't be read, with its status."""
    body = response.body if isinstance(response.body, bytes) else b""
    if form is not Form.SHORT:
        return web.Response(
            status=response.status, body=garbled(body, form), content_type="application/json"
        )
    short = web.StreamResponse(status=response.status)
    short.content_type = "application/json"
    short.content_length = len(body) + 1
    await short.prepare(request)
    await short.write(body)
    if request.transport is not None:
        request.transport.abort()
    return short
