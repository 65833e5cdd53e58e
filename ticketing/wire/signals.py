"""The messages of ticketing-signals: everything that can change an incident, packed per partition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import msgspec

from ticketing.domain.events import Command, Correlation, Receipt, Summary
from ticketing.domain.incidents.linking import Linked
from ticketing.domain.intake import admitted
from ticketing.domain.signals import Anomalies, Origin, Progress, Redriven, Tick
from ticketing.errors import BadRecord

SignalBody = (
    Anomalies
    | Command
    | Receipt
    | Progress
    | Origin
    | Correlation
    | Linked
    | Summary
    | Tick
    | Redriven
)
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Errors of a decoder for bytes that it can't read."""


class Signal(msgspec.Struct, omit_defaults=True):
    """An element of a message in ticketing-signals, with exactly one field set."""

    anomalies: Anomalies | None = None
    command: Command | None = None
    receipt: Receipt | None = None
    progress: Progress | None = None
    origin: Origin | None = None
    correlation: Correlation | None = None
    linked: Linked | None = None
    summary: Summary | None = None
    tick: Tick | None = None
    redriven: Anomalies | None = None

    def body(self) -> SignalBody:
        """The one field that is set."""
        if self.redriven is not None:
            return Redriven(anomalies=self.redriven)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                return value  # type: ignore[no-any-return]
        raise msgspec.ValidationError("the signal has no body")


_FIELD_OF: dict[type, str] = {
    Anomalies: "anomalies",
    Command: "command",
    Receipt: "receipt",
    Progress: "progress",
    Origin: "origin",
    Correlation: "correlation",
    Linked: "linked",
    Summary: "summary",
    Tick: "tick",
    Redriven: "redriven",
}

_encoder = msgspec.json.Encoder()
_signals = msgspec.json.Decoder(list[Signal])
_signal = msgspec.json.Decoder(Signal)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def kind_of(body: SignalBody) -> str:
    """The name of a signal's kind, as in the message."""
    return _FIELD_OF[type(body)]


def encode_signals(bodies: list[SignalBody]) -> bytes:
    """Signals for one partition of ticketing-signals, packed into one message."""
    return _encoder.encode(
        [{kind_of(body): body.anomalies if isinstance(body, Redriven) else body} for body in bodies]
    )


def decode_signals(value: bytes) -> list[SignalBody]:
    """The reverse of encode_signals; raises msgspec.DecodeError or ValidationError."""
    return [signal.body() for signal in _signals.decode(value)]


@dataclass(slots=True)
class Packed:
    """A message as read: its readable signals, each with its place, and the others."""

    value: bytes
    bodies: list[tuple[int, SignalBody]] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """The place of each unreadable signal, and the reason."""

    def alone(self, place: int) -> bytes:
        """One signal of the message, unchanged, as a message of its own."""
        return b"[%b]" % elements(self.value)[place]


def read_signals(value: bytes) -> Packed:
    """The signals of a message, clean and bounded; one that can't be read or kept hides no other.

    Raises BadRecord for a message that is no list.
    """
    packed = Packed(value)
    try:
        packed.bodies = [
            (place, admitted(body)) for place, body in enumerate(decode_signals(value))
        ]
        return packed
    except (BadRecord, *UNREADABLE) as error:
        found = elements(value)
        if not found:
            raise BadRecord("undecodable", str(error)) from error
    for place, element in enumerate(found):
        try:
            packed.bodies.append((place, admitted(_signal.decode(element).body())))
        except (BadRecord, *UNREADABLE) as error:
            packed.unreadable.append((place, f"{type(error).__name__}: {error}"))
    return packed


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def elements(value: bytes) -> list[bytes]:
    """The elements of a JSON list as they stand, valid or not, however deep; empty for no list."""
    text = value.strip()
    if text[:1] != b"[" or text[-1:] != b"]":
        return []
    found: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth <= 0 and token.end() != len(text):
                return []
        elif mark == b"," and depth == 1:
            found.append(text[start : token.start()].strip())
            start = token.end()
    if depth != 0:
        return []
    found.append(text[start:-1].strip())
    return [] if found == [b""] else found


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
    return element if anomalies is None else _encoder.encode({"redriven": anomalies})
