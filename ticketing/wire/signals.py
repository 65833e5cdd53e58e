"""The messages of ticketing-signals: everything that can change an alert, packed per partition."""

from __future__ import annotations

import msgspec

from ticketing.domain.intake import admitted
from ticketing.domain.signals import Anomalies, Forget, Origin, Progress, Redriven, Tick
from ticketing.wire.packed import UNREADABLE, Packed, Packing, elements

SignalBody = Anomalies | Progress | Origin | Redriven | Forget | Tick

_packing: Packing[SignalBody] = Packing(
    "signal",
    {
        "anomalies": Anomalies,
        "progress": Progress,
        "origin": Origin,
        "redriven": Redriven,
        "forget": Forget,
        "tick": Tick,
    },
    admitted,
)
_encoder = msgspec.json.Encoder()
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

kind_of = _packing.kind_of


def encode_signals(bodies: list[SignalBody]) -> bytes:
    """Signals for one partition of ticketing-signals, packed into one message."""
    return _packing.encode(bodies)


def decode_signals(value: bytes) -> list[SignalBody]:
    """The reverse of encode_signals; raises msgspec.DecodeError or ValidationError."""
    return _packing.decode(value)


def read_signals(value: bytes) -> Packed[SignalBody]:
    """The signals of a message, clean and bounded; one that can't be read or kept hides no other.

    Raises BadRecord for a message that is no list.
    """
    return _packing.read(value)


def as_redriven(value: bytes) -> bytes:
    """A message from the dead letters, with its anomalies marked so that they count once more.

    Whatever can't be read stays as it is.
    """
    found = elements(value)
    return b"[%b]" % b",".join(_marked(element) for element in found) if found else value


def _marked(element: bytes) -> bytes:
    try:
        signal = _fields.decode(element)
    except UNREADABLE:
        return element
    anomalies = signal.get("anomalies")
    if anomalies is None:
        return element
    return _encoder.encode({"redriven": {"anomalies": anomalies}})
