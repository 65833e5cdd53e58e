"""HTTP statuses other than 2xx: the failures behind 429, 4xx, 5xx and redirects."""

from __future__ import annotations

from sinks.calls.outcome import Failure, Reason, Refused, RetryAfter, Unknown

REFUSALS = {
    401: Reason.CREDENTIALS,
    402: Reason.CREDENTIALS,
    403: Reason.CREDENTIALS,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    413: Reason.TOO_LARGE,
}
TOO_MANY_REQUESTS = 429
PASSING = frozenset({408, 425, TOO_MANY_REQUESTS})
"""Statuses of requests that were not carried out and may be later."""


def classify(status: int, seconds: float | None, detail: str, request: str) -> Failure:
    """The failure behind a status other than 2xx; `seconds` is the wait the platform asked for.

    After a 5xx the request is over, but may have been carried out before the fault.
    """
    if status in PASSING:
        return RetryAfter(Reason.RATE_LIMITED, seconds, detail)
    if status >= 500:
        return Unknown(Reason.SERVER_ERROR, True, seconds, detail)
    if 300 <= status < 400:
        return Refused(Reason.REDIRECT, detail, request)
    return Refused(REFUSALS.get(status, Reason.INVALID), detail, request)
