"""The messages of ticketing-events: everything that can change an incident, packed per partition."""

from __future__ import annotations

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Command, Correlation, Receipt, Summary, Verdict
from ticketing.domain.incidents.intake import admitted
from ticketing.domain.signals import Progress, Tick
from ticketing.wire.packed import Packed, Packing

EventBody = Alert | Command | Receipt | Progress | Correlation | Verdict | Summary | Tick

_packing: Packing[EventBody] = Packing(
    "event",
    {
        "alert": Alert,
        "command": Command,
        "receipt": Receipt,
        "progress": Progress,
        "correlation": Correlation,
        "verdict": Verdict,
        "summary": Summary,
        "tick": Tick,
    },
    admitted,
)

kind_of = _packing.kind_of


def encode_events(bodies: list[EventBody]) -> bytes:
    """Events for one partition of ticketing-events, packed into one message."""
    return _packing.encode(bodies)


def decode_events(value: bytes) -> list[EventBody]:
    """The reverse of encode_events; raises msgspec.DecodeError or ValidationError."""
    return _packing.decode(value)


def read_events(value: bytes) -> Packed[EventBody]:
    """The events of a message, clean and bounded; one that can't be read or kept hides no other.

    Raises BadRecord for a message that is no list.
    """
    return _packing.read(value)
