"""How a request to a platform ended: a closed list of outcomes and of reasons.

Outcome
├── Delivered    the platform has it, and said so
├── Absent       a look-up was answered, and nothing was found
├── RetryAfter   the platform does not have it; later it may take it
├── Rejected     the platform does not have it, and will not take it as it is
└── Unknown      it may have it, or not
"""

from __future__ import annotations

from enum import Enum

import msgspec

from ticketing.errors import TicketingError


class Reason(str, Enum):
    """Why a request did not end well; also the label of the metric."""

    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    NOT_SENT = "not_sent"
    NO_ROOM = "no_room"
    """Our own rate limit, or the platform's last word, leaves no room now: nothing was sent."""
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    CREDENTIALS = "credentials"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    INTERNAL = "internal"
    EXHAUSTED = "exhausted"


class Delivered(msgspec.Struct, frozen=True, omit_defaults=True, tag="delivered"):
    """The platform holds the ticket in the wanted shape; empty fields say "as before".

    `account` is a reference to what was written to (a channel, a hash of a key), never a secret.
    `on_call` names who the platform says is on call, in one line.
    """

    external_id: str = ""
    key: str = ""
    url: str = ""
    account: str = ""
    on_call: str = ""


class Absent(msgspec.Struct, frozen=True, tag="absent"):
    """The platform answered the look-up: there is no such ticket."""


class RetryAfter(msgspec.Struct, frozen=True, omit_defaults=True, tag="retry_after"):
    """Not delivered, for a reason that passes. `seconds` is the wait the platform asked for.

    `request` is what was sent, without secrets, here and in the other failures: it goes to the dead
    letters if the delivery is given up.
    """

    reason: Reason
    seconds: float | None = None
    detail: str = ""
    request: str = ""


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True, tag="rejected"):
    """Refused."""

    reason: Reason
    detail: str = ""
    request: str = ""


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True, tag="unknown"):
    """Sent, with an unknown outcome. `over` says that the platform is done with the request."""

    reason: Reason
    over: bool = False
    seconds: float | None = None
    detail: str = ""
    request: str = ""


Outcome = Delivered | Absent | RetryAfter | Rejected | Unknown
Failure = RetryAfter | Rejected | Unknown


class Failed(TicketingError):
    """A request that did not end well; carries its outcome, and no secret in its words.

    `status` and `body` are those of the answer, if there was one, for a platform that can make
    more of them than their kind. The body is as it came: it is never shown, logged or kept.
    """

    def __init__(self, outcome: Failure, *, status: int = 0, body: bytes = b"") -> None:
        super().__init__(f"{outcome.reason.value} {outcome.detail}".strip())
        self.outcome = outcome
        self.status = status
        self.body = body


def nothing_done(failed: Failed) -> Failed:
    """The failure of a question: unlike that of a change, it leaves nothing in doubt."""
    was = failed.outcome
    if not isinstance(was, Unknown):
        return failed
    outcome = RetryAfter(was.reason, was.seconds, was.detail, was.request)
    return Failed(outcome, status=failed.status, body=failed.body)
