"""The messages of ticketing-pulses: what each worker process says of itself every few seconds."""

from __future__ import annotations

import msgspec

from ticketing.wire.packed import UNREADABLE


class Circuit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The open circuit of a platform that gets probes only: since when (Unix s), for what reason."""

    since: float
    reason: str = ""


class Pulse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process of a role as it is now."""

    role: str
    worker: str
    """Tells the processes of a role apart."""
    started_at: float
    """Unix seconds."""
    ready: bool = False
    """True while the process has its partitions and tables and nothing rebalances."""
    ends: bool = False
    """True in the last pulse of a process that was told to stop."""
    pending: int | None = None
    """Incidents that the platform has not taken as they are now; None but for adapters."""
    circuit: Circuit | None = None
    followed: float | None = None
    """The smallest share of requests that any scope follows, above 0 to 1; None but for detection."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Pulse)


def encode_pulse(pulse: Pulse) -> bytes:
    """The value of a message, whose key is the role."""
    return _encoder.encode(pulse)


def decode_pulse(value: bytes | None) -> Pulse | None:
    """The reverse of encode_pulse; None for anything else, which must not hide the others."""
    try:
        return None if value is None else _decoder.decode(value)
    except UNREADABLE:
        return None
