"""Every error of ours, as one tree.

TicketingError
├── Misconfigured    the configuration can't be used: refuse to start, name each field and its fix
│   └── BadTemplate  a template of the configuration can't be compiled or rendered
├── Retryable        not now: ask again after `wait` seconds
│   ├── Unavailable  Kafka, Redis or a claim does not answer
│   └── NoAnswer     no language model gave a usable answer
├── Rejected         neither now nor later: dead letter with a reason, go on with the neighbours
│   ├── BadRecord    a message of one of our topics
│   ├── Unfit        a log record or anomaly event
│   ├── BadAnswer    an answer of a language model
│   ├── BadValue     a configured value that a Jira field can't hold
│   └── NoWay        a change that a Jira workflow does not allow
├── Failed           a request to a platform; its outcome says which of the three families
├── NotFound         there is no such incident, dead letter or file
├── NotWhole         a dead letter holds too little of its record to produce it again
├── Conflict         the state of the incident, or of the dead letter, forbids it
├── Problem          an answer of the API other than the wanted one
│   └── Invalid      a parameter or field of the request can't be taken
├── FeedStalled      a command: the records that it feeds are not read
├── DemoFailed       a command: the demo could not show its subject
└── Abandoned        a batch is left to the next owner of its partition

A class that one module raises stands in that module. An error of the standard library as a second
base (`ValueError`) is there for callers that know the standard library's only.

No message holds a secret: it names fields, statuses and reasons, never a request.
"""

from __future__ import annotations

from collections.abc import Sequence


class TicketingError(Exception):
    """The root of all errors of this project."""


class Misconfigured(TicketingError):
    """The configuration can't be used; `problems` holds one line per key that must change."""

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class Retryable(TicketingError):
    """It may work later; `wait` is the pause in seconds, None for the caller's own backoff."""

    wait: float | None = None


class Unavailable(Retryable):
    """Something we need does not answer; the message names it."""

    wait: float = 5.0
    """A change of leader, the usual short outage of Kafka and Redis, is over within seconds."""


class Rejected(TicketingError):
    """It will never work as it is; `reason` is short and serves as a label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class BadRecord(Rejected):
    """A message of one of our topics can't be handled."""


class NotFound(TicketingError):
    """There is no such thing; the message names it."""


class NotWhole(TicketingError):
    """A dead letter does not hold all of its record, so that it can't be produced again."""


class Conflict(TicketingError):
    """The state forbids it; `status` is the state that does."""

    def __init__(self, status: str, message: str) -> None:
        self.status = status
        super().__init__(message)
