"""Errors as application/problem+json (RFC 9457), without internals."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from ticketing import metrics
from ticketing.errors import Conflict, NotFound, NotWhole, Rebuilding, TicketingError, Unavailable

log = logging.getLogger(__name__)

_DETAILS = {
    404: "There is nothing at this path.",
    405: "This path does not allow the method; see the Allow header.",
    413: "The body is too large.",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Problem(TicketingError):
    """An error answer. `fields` are added to the document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields = fields
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        """The document."""
        title = HTTPStatus(self.status).phrase
        fixed = {"type": "about:blank", "title": title, "status": self.status}
        return {**fixed, "detail": self.detail, **self.fields}

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(
            status=self.status,
            body=json.dumps(self.body()).encode(),
            content_type="application/problem+json",
            headers=self.headers,
        )


class Invalid(Problem):
    """400: an invalid value of the named field."""

    def __init__(self, field: str, detail: str, **fields: Any) -> None:
        super().__init__(400, f"{field}: {detail}", field=field, **fields)


def unavailable(detail: str, retry_after: float = Unavailable.wait, **fields: Any) -> Problem:
    """503 with the seconds to wait before a retry."""
    return Problem(503, detail, headers={"Retry-After": f"{retry_after:.0f}"}, **fields)


def problem_of(error: Exception) -> Problem:
    """The problem of any error; an unforeseen error is logged, and answered without detail."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        detail = _DETAILS.get(error.status, error.reason)
        return Problem(error.status, detail, headers=headers)
    if isinstance(error, NotFound):
        return Problem(404, str(error))
    if isinstance(error, NotWhole):
        return Problem(422, str(error))
    if isinstance(error, Conflict):
        return Problem(409, str(error), currentStatus=error.status)
    if isinstance(error, Unavailable):
        told = {"rebuilding": True} if isinstance(error, Rebuilding) else {}
        return unavailable(f"{error}. Try again.", error.wait, **told)
    log.error("a request failed", exc_info=error)
    return Problem(500, "Internal error; the log of this worker has the details.")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a problem."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001
        # The outermost edge: for any error the client gets an answer without a stack trace.
        return problem_of(error).response()


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every answer of the API by method and status."""
    response = await handler(request)
    method = request.method if request.method in _METHODS else "other"
    metrics.http_requests_total.labels(method, str(response.status)).inc()
    return response
