"""The errors of this project, as one tree.

TicketingError
├── Misconfigured    the configuration can't be used: refuse to start, name each field and its fix
│   ├── BadTemplate  a template of the configuration can't be compiled or rendered
│   └── TopicsRefused  Kafka's topics don't fit the configuration, or the state kept of them
├── Retryable        a temporary failure: ask again after `wait` seconds
│   ├── Unavailable  Kafka, Redis or a claim does not answer
│   │   └── Rebuilding  the view is being built: it would answer too little
│   └── NoAnswer     no language model gave a usable answer
├── Rejected         a permanent failure: dead letter with a reason, go on with the others
│   ├── BadRecord    a message of one of the job's own topics
│   │   └── SetAside  the message is for a row that can't be read
│   ├── Unfit        a log record or anomaly event
│   ├── BadAnswer    an answer of a language model
│   ├── BadValue     a configured value that a Jira field can't hold
│   └── NoWay        a change that a Jira workflow does not allow
├── Failed           a request to a platform; its outcome names one of the three families
├── Undecodable      an answer of a platform is no JSON that can be read
├── NotFound         an incident, a dead letter or a file does not exist
├── NotWhole         a dead letter holds too little of its record to produce it again
├── Conflict         the state of what the request is about forbids it
├── Problem          an error answer of the API
│   └── Invalid      a parameter or field of the request has an invalid value
├── Refused          the API refuses a request of its Python client
├── FeedStalled      a command: the fed records are not read
├── DemoFailed       a command: the demo could not run to its end
├── TooLarge         Kafka refuses a message for its size
├── StoreFailed      the database of a table failed: the process leaves
├── Superseded       another process owns the partition: this one leaves
└── Abandoned        a batch is left to the next owner of its partition

An error raised by one module only is defined there. A second base of the standard library
(`ValueError`) serves callers that know the standard errors only.

Messages name fields, statuses and reasons, never a request, and so hold no secret.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_MISCONFIGURED = 2
"""The status of a process that refuses to start: it would refuse again, until somebody mends it."""


class TicketingError(Exception):
    """The root of all errors of this project."""


class Misconfigured(TicketingError):
    """The configuration can't be used; `problems` holds one line per key that must change."""

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class TopicsRefused(Misconfigured):
    """Kafka's topics don't fit the configuration or the stored state; a problem names its fix."""


class Retryable(TicketingError):
    """A temporary failure; `wait` is the pause in seconds, None for the caller's own backoff."""

    wait: float | None = None


class Unavailable(Retryable):
    """A service does not answer; the message names the service."""

    wait: float = 5.0
    """A change of leader, the usual short outage of Kafka and Redis, takes seconds."""


class Rebuilding(Unavailable):
    """The view, or this process's index of it, is being built: it would answer too little."""

    wait: float = 2.0
    """A build of 100,000 incidents takes some ten of that."""


class Rejected(TicketingError):
    """A permanent failure; `reason` is short and serves as a label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class BadRecord(Rejected):
    """A message of one of the job's own topics can't be handled."""


class NotFound(TicketingError):
    """The object does not exist; the message names it."""


class NotWhole(TicketingError):
    """A dead letter holds too little of its record to produce it again."""


class Conflict(TicketingError):
    """The state `status` of the object forbids the request."""

    def __init__(self, status: str, message: str) -> None:
        self.status = status
        super().__init__(message)
