"""Every error of ours, as one tree.

TicketingError
├── Misconfigured      the configuration is wrong: refuse to start
├── BadRecord          a message can't be handled: dead letter, go on with its neighbours
├── DeliveryError      a platform did not do what it was asked
│   ├── Retryable      not now: ask again after `wait`
│   │   └── Ambiguous  it may have done it: look before asking again
│   └── Rejected       never: dead letter with a reason
├── NotFound           there is no such incident, platform or dead letter
├── NotWhole           the dead letter is too little to produce its record again
├── Conflict           the incident's, or the dead letter's, state forbids it
├── Unavailable        something we need does not answer: Kafka, Redis
└── Fenced             this process lost its partitions: leave without producing

No message holds a secret: whoever raises one passes names, statuses and reasons, not requests.
"""

from __future__ import annotations

from collections.abc import Sequence


class TicketingError(Exception):
    """What all errors of this project have in common."""


class Misconfigured(TicketingError):
    """The configuration can't be used; `problems` holds one line per key that must change."""

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class BadRecord(TicketingError):
    """A message that can't be handled now or ever; `reason` is short and serves as a label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class DeliveryError(TicketingError):
    """A platform did not do what it was asked."""


class Retryable(DeliveryError):
    """The platform may do it later; `wait` is how long to leave it alone, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        self.reason = reason
        self.wait = wait
        super().__init__(f"{reason} (again in {wait:g} s)")


class Ambiguous(Retryable):
    """The request may have taken effect: look it up before it is made again."""


class Rejected(DeliveryError):
    """The platform will never do it; `reason` is short and serves as a label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class NotFound(TicketingError):
    """There is no such thing; the message names it."""


class NotWhole(TicketingError):
    """A dead letter does not hold all of its record, so that it can't be produced again."""


class Conflict(TicketingError):
    """The state forbids it; `status` is the state that does."""

    def __init__(self, status: str, message: str) -> None:
        self.status = status
        super().__init__(message)


class Unavailable(TicketingError):
    """Something we need does not answer; the message names it."""


class Fenced(TicketingError):
    """This process no longer owns its partitions and must not act for them."""
