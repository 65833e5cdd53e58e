"""The table of deliveries: the wanted incident and the held ticket, by incident."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ticketing.domain.events import Receipt, TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity


class Operation(OpenEnum):
    """An operation of a platform for one incident.

    An unknown one is never planned. One that was under way is waited for; what it may have done
    leaves a doubt, which the next change of the ticket ends.
    """

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
        """True for an operation that changes the state of an existing ticket."""
        return self in _TRANSITIONS


_TRANSITIONS = frozenset(
    {Operation.ACKNOWLEDGE, Operation.ESCALATE, Operation.RESOLVE, Operation.REOPEN}
)


class Why(OpenEnum):
    """The reason of a planned operation; an unknown one is only told."""

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
    """The fields that a ticket shows, as far as they decide about writing it again.

    `links` maps other platforms to the address or key of their ticket; `linked` maps linked
    incidents to their relation; `cause` is the service of the likely cause; `steps_through` is the
    highest `seq` of the timeline that was posted; `at` is the time of writing (Unix seconds).
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

    `account` refers to the place where the ticket was opened (a channel, a hash of a routing key),
    so that later operations reach the ticket even if the configuration routes otherwise by then.
    No account is a secret. `on_call` names the people on call at the last writing.
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
    """A request that was sent or is about to be. The intent is durable before the request is sent.

    `number` rises per incident and is never reused; after `deadline` (Unix seconds) the request
    can no longer be under way. `reaches` is the ticket's state after a success.
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
    """An operation that may have succeeded, with the fields that the ticket then shows."""

    operation: Operation
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A refusal by the platform of the incident's `revision`.

    `passing` is true for a fault of the configuration: the same revision is tried again.
    """

    revision: int
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One incident on one platform. Times are Unix seconds of arrival.

    At most one request is under way (`intent`). After `unsettled_until` the latest request of
    unknown outcome has certainly ended. A duplicate is looked for at `verify_at`. `told` is the
    latest published receipt, `dead_lettered` the reason of the latest dead letter.
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
    """The operation that waits for `next_attempt_at`."""
    unsettled_until: float = 0.0
    uncertain: Uncertain | None = None
    repeats_blindly: bool = False
    """True if the platform refuses a search, so that an uncertain create is repeated, marked."""
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
