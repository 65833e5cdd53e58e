"""The table of deliveries: the wanted incident and the held ticket, by incident."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ticketing.domain.events import Receipt, TicketState
from ticketing.domain.incidents.incident import Incident, Step
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
    PAGE = "page"
    """Page people again who were paged before; only where that is an act of its own."""
    DEDUPLICATE = "deduplicate"

    @property
    def transition(self) -> bool:
        """True for an operation that changes the state of an existing ticket."""
        return self in _TRANSITIONS

    @property
    def track(self) -> Track:
        """The independent part of the ticket that the operation works on."""
        return Track.STATE if self.transition else _TRACKS.get(self, Track.OTHER)


_TRANSITIONS = frozenset(
    {Operation.ACKNOWLEDGE, Operation.ESCALATE, Operation.RESOLVE, Operation.REOPEN}
)


class Track(OpenEnum):
    """The parts of a ticket that are written independently: a failure of one stops no other."""

    TICKET = "ticket"
    """The ticket itself: its creation, and the search for it."""
    STATE = "state"
    FIELDS = "fields"
    COMMENTS = "comments"
    PAGES = "pages"
    DUPLICATES = "duplicates"
    PLANNING = "planning"
    """Not a part of the ticket, but the choice of the next operation."""
    OTHER = "other"
    """Operations of another release."""


_TRACKS = {
    Operation.CREATE: Track.TICKET,
    Operation.LOOK_UP: Track.TICKET,
    Operation.UPDATE: Track.FIELDS,
    Operation.COMMENT: Track.COMMENTS,
    Operation.PAGE: Track.PAGES,
    Operation.DEDUPLICATE: Track.DUPLICATES,
}


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
    PAGE = "page"
    POSSIBLE_DUPLICATE = "possible_duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The fields that a ticket shows, as far as they decide about writing it again.

    `links` maps other platforms to the address or key of their ticket; `linked` maps linked
    incidents to their relation; `cause` is the service of the likely cause; `steps_through` is the
    highest `seq` of the timeline that was posted, `body_through` the highest at the creation, whose
    body holds those steps but for people's words; `page` is the number of the page that went out;
    `at` is the time of writing (Unix seconds).
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
    body_through: int = 0
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The ticket that the platform holds.

    `account` refers to the place where the ticket was opened (a channel, a hash of a routing key),
    so that later operations reach the ticket even if the configuration routes otherwise by then.
    No account is a secret. `on_call` names the people on call at the last writing.

    `remarks` say what the platform refused or left out, for the ticket's next comment; a remark in
    a comment under way or in doubt has that comment's highest `seq`, any other 0. `remarked` are the
    latest texts told.
    """

    external_id: str
    state: TicketState
    shown: Shown
    account: str = ""
    key: str = ""
    url: str = ""
    on_call: str = ""
    remarks: list[Step] = field(default_factory=list)
    remarked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A request that was sent or is about to be. The intent is durable before the request is sent.

    `number` rises per incident and is never reused; after `deadline` (Unix seconds) the request
    can no longer be under way. `reaches` is the ticket's state after a success, `target` names what
    the operation is to reach on its track.
    """

    operation: Operation
    number: int
    started_at: float
    deadline: float
    shown: Shown
    why: Why
    target: str = ""
    reaches: TicketState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """An operation that may have succeeded, with the fields that the ticket then shows."""

    operation: Operation
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The attempts on one track since its last success. Times are Unix seconds.

    `target` names what the latest attempt was to reach, `refused` the targets that the platform
    refused: they are set aside, the latest last. With `passing` the refusal is a fault of the
    configuration, and the target is tried again; with `gone` the ticket was not found. `failures`
    counts attempts, since `since` those whose failure passes. `dead_lettered` is the error of the
    latest dead letter.
    """

    target: str = ""
    failures: int = 0
    since: float | None = None
    next_attempt_at: float = 0.0
    refused: list[str] = field(default_factory=list)
    passing: bool = False
    gone: bool = False
    error: str = ""
    dead_lettered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One incident on one platform. Times are Unix seconds of arrival.

    At most one request is under way (`intent`). `trials` has the tracks whose latest attempt did not
    succeed, `doubts` those whose latest operation has an unknown outcome; after its time in
    `unsettled` an operation of unknown outcome has certainly ended. A duplicate is looked for
    at `verify_at`. `told` is the latest published receipt. An incident that is over for good has
    the time in `forgotten_at`, and nothing is done for it any more.
    """

    incident_id: str
    want: Incident | None = None
    have: Held | None = None
    intent: Intent | None = None
    account: str = ""
    numbers: int = 0
    trials: dict[Track, Trial] = field(default_factory=dict)
    doubts: dict[Track, Uncertain] = field(default_factory=dict)
    unsettled: dict[Operation, float] = field(default_factory=dict)
    repeats_blindly: bool = False
    """True if the platform refuses a search, so that an uncertain create is repeated, marked."""
    looked_up: bool = False
    verify_at: float | None = None
    told: Receipt | None = None
    forgotten_at: float | None = None

    def trial(self, track: Track) -> Trial:
        """The attempts on a track since its last success."""
        return self.trials.get(track) or Trial()

    def doubts_about(self, operation: Operation) -> bool:
        """True if an earlier attempt at this very operation may have succeeded."""
        doubt = self.doubts.get(operation.track)
        return doubt is not None and doubt.operation is operation

    @property
    def failing(self) -> Trial:
        """The trial to tell of: a refused one, else the one with the most failures."""
        return max(
            self.trials.values(), key=lambda one: (bool(one.refused), one.failures), default=Trial()
        )

    @property
    def error(self) -> str:
        """The error of the trial to tell of; empty if all is well."""
        return self.failing.error


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
