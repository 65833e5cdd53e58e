"""What the table of deliveries holds: what a platform is to have, and what it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import msgspec

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Receipt, TicketState


class Operation(str, Enum):
    """What can be asked of a platform for one incident."""

    CREATE = "create"
    LOOK_UP = "look_up"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    COMMENT = "comment"
    DEDUPLICATE = "deduplicate"

    @property
    def transition(self) -> bool:
        """Whether it changes the state of a ticket that exists."""
        return self in _TRANSITIONS


_TRANSITIONS = frozenset(
    {Operation.ACKNOWLEDGE, Operation.ESCALATE, Operation.RESOLVE, Operation.REOPEN}
)


class Why(str, Enum):
    """Why an operation was planned."""

    NOT_HELD = "not_held"
    OUTCOME_UNKNOWN = "outcome_unknown"
    STATUS = "status"
    SEVERITY = "severity"
    TITLE = "title"
    LINKS = "links"
    SUMMARY = "summary"
    COUNT = "count"
    STEPS = "steps"
    POSSIBLE_DUPLICATE = "possible_duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a ticket shows of an incident: enough to see whether it has to be written again.

    `links` maps other platforms to their ticket's address or key; `steps_through` is the highest
    `seq` of the timeline that was posted; `at` is when it was written (Unix seconds). `cause` is
    the service that it was laid to, `linked` maps linked incidents to what they are to it.
    """

    revision: int
    severity: Severity
    title: str
    count: int
    at: float
    links: dict[str, str] = field(default_factory=dict)
    summary: int = 0
    cause: str = ""
    linked: dict[str, str] = field(default_factory=dict)
    steps_through: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The ticket that the platform holds.

    `account` refers to what it was opened with (a channel, a hash of a routing key), so that later
    operations reach it even if the configuration routes otherwise by then; it is never a secret.
    `on_call` is who was on call there when it was written last.
    """

    external_id: str
    state: TicketState
    shown: Shown
    account: str = ""
    key: str = ""
    url: str = ""
    on_call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A request that was, or is about to be, sent. Written durably before it is sent.

    `number` rises per incident and is never reused; after `deadline` (Unix seconds) the request
    can no longer be under way. `reaches` is the state the ticket is in if it succeeds.
    """

    operation: Operation
    number: int
    started_at: float
    deadline: float
    shown: Shown
    why: Why
    reaches: TicketState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """An operation that may have succeeded, with what it would have shown."""

    operation: Operation
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """The platform refused what was wanted at `revision`.

    `passing`: it is nobody's fault but the configuration's, so it is tried again as it is.
    """

    revision: int
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One incident on one platform. Times are Unix seconds of arrival.

    At most one request is under way (`intent`). `unsettled_until` is when the latest request of
    unknown outcome has certainly ended. `verify_at` is when to look for a duplicate. `told` is the
    latest receipt that was published, `dead_lettered` the reason of the latest dead letter.
    """

    incident_id: str
    want: Incident | None = None
    have: Held | None = None
    intent: Intent | None = None
    account: str = ""
    numbers: int = 0
    failures: int = 0
    failing_since: float | None = None
    next_attempt_at: float = 0.0
    failed: Operation | None = None
    """Which operation waits for `next_attempt_at`."""
    unsettled_until: float = 0.0
    uncertain: Uncertain | None = None
    repeats_blindly: bool = False
    """The platform refuses to be searched, so that an uncertain create is repeated, marked."""
    looked_up: bool = False
    verify_at: float | None = None
    rejection: Rejection | None = None
    error: str = ""
    dead_lettered: str = ""
    told: Receipt | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Delivery)


def encode(delivery: Delivery) -> bytes:
    """A delivery as JSON."""
    return _encoder.encode(delivery)


def decode(value: bytes) -> Delivery:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    return _decoder.decode(value)
