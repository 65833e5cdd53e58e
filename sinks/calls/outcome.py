"""Outcomes of a request to a platform, and their reasons: closed lists.

Outcome
├── Delivered    the platform confirmed the operation
├── Absent       a look-up was answered, and found no ticket
├── RetryAfter   nothing was done; a later attempt may succeed
├── Refused     nothing was done; the same request will not succeed
└── Unknown      the operation may have been carried out
"""

from __future__ import annotations

import msgspec

from ticketing.domain.open_enum import OpenEnum
from ticketing.errors import TicketingError


class Reason(OpenEnum):
    """The reason of a failed request, also a label of the metrics; an unknown one is only told."""

    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    NOT_SENT = "not_sent"
    NO_ROOM = "no_room"
    """Our rate limit, or a wait the platform asked for, leaves no room now: nothing was sent."""
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    CREDENTIALS = "credentials"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    NOT_SEEN = "not_seen"
    """The platform accepted the request, and a look-up finds nothing of it."""
    INTERNAL = "internal"
    EXHAUSTED = "exhausted"


class Delivered(msgspec.Struct, frozen=True, omit_defaults=True, tag="delivered"):
    """The platform holds the ticket in the wanted state; an empty field keeps its old value.

    `account` refers to the place of the ticket (a channel, a hash of a key) and is never a secret.
    `on_call` names the people on call, in one line. `left_out` has a sentence for each part of the
    request that the platform refused or ignored although the operation as a whole succeeded.
    """

    external_id: str = ""
    key: str = ""
    url: str = ""
    account: str = ""
    on_call: str = ""
    left_out: tuple[str, ...] = ()


class Absent(msgspec.Struct, frozen=True, tag="absent"):
    """The platform answered a look-up: there is no such ticket."""


WAIT_SECONDS_MAX = 24 * 3600.0
"""The longest wait that our own rate limits ask for; more would keep an account closed for good."""


def bounded(seconds: float | None) -> float:
    """A wait in seconds that nobody has to end by hand, whatever was asked for."""
    return min(max(seconds or 0.0, 0.0), WAIT_SECONDS_MAX)


class RetryAfter(msgspec.Struct, frozen=True, omit_defaults=True, tag="retry_after"):
    """Not delivered, for a reason that passes. `seconds` is the wait the platform asked for.

    `request`, here and in the other failures, is the request without secrets, which goes to the
    dead letters if the delivery is given up.
    """

    reason: Reason
    seconds: float | None = None
    detail: str = ""
    request: str = ""


class Refused(msgspec.Struct, frozen=True, omit_defaults=True, tag="rejected"):
    """Refused, for a reason that does not pass by itself."""

    reason: Reason
    detail: str = ""
    request: str = ""


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True, tag="unknown"):
    """Sent, with an unknown outcome. `over` is true if the platform is done with the request."""

    reason: Reason
    over: bool = False
    seconds: float | None = None
    detail: str = ""
    request: str = ""


Outcome = Delivered | Absent | RetryAfter | Refused | Unknown
Failure = RetryAfter | Refused | Unknown


class Failed(TicketingError):
    """A failed request with its outcome. No secret stands in the message.

    `status` and `body` are those of the answer, if there was one, for platforms that can read more
    from them. The body may hold secrets and is never shown, logged or kept.
    """

    def __init__(self, outcome: Failure, *, status: int = 0, body: bytes = b"") -> None:
        super().__init__(f"{outcome.reason.value} {outcome.detail}".strip())
        self.outcome = outcome
        self.status = status
        self.body = body


def nothing_done(failed: Failed) -> Failed:
    """The failure of a read request, which leaves nothing in doubt: Unknown becomes RetryAfter."""
    was = failed.outcome
    if not isinstance(was, Unknown):
        return failed
    outcome = RetryAfter(was.reason, was.seconds, was.detail, was.request)
    return Failed(outcome, status=failed.status, body=failed.body)
