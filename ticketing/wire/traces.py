"""The wire model of ticketing-traces: lines of requests, packed per trace, decoded when read."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import msgspec

from ticketing.domain.alerts.event_times import UNREADABLE, in_seconds
from ticketing.domain.alerts.field_values import time_from
from ticketing.domain.traces.spans import Line, traceable

# Above the ids of any tracer (16 hexadecimal digits in W3C Trace Context), below an abuse of
# memory.
SPAN_ID_CHARS_MAX = 64
NAME_CHARS_MAX = 256
"""As for the service and tenant of a signal (domain.alerts.record_fields)."""
MESSAGE_CHARS_MAX = 300
"""For errors and anomalies, whose messages are shown; the first sentence or two."""
USUAL_MESSAGE_CHARS_MAX = 120
"""For all other lines, which are most of the memory of a trace."""
MINUTES_KEPT = 4_096
"""Almost three days of minutes: lagging partitions share the cache, and its size stays below 1
MB."""

Row = tuple[
    "str | float",
    "str | None",
    "str | None",
    "str | None",
    "str | None",
    "str | None",
    "float | None",
    "float | None",
    "str | None",
    "str | None",
    "str | None",
]
"""A line: time, span id, parent span id, service, endpoint, level, duration in milliseconds, score,
message, fingerprint of the alert that counts the line, host."""


COLUMNS = 11
"""Those of a `Row`; a newer release may add some behind."""


class TracePart(msgspec.Struct, array_like=True, gc=False):
    """Lines of one trace. `at` is the last line's time as written in the log.

    `marks` maps the fingerprints of the anomalies to service, event time (Unix s) and scope.
    `scope` is that of the first line; empty in messages of older releases. One of 2**`halved` requests
    of the scope is followed in the partition of the input.
    """

    tenant: str
    trace_id: str
    count: int
    at: Any
    marks: dict[str, tuple[str, float, str]]
    lines: msgspec.Raw
    scope: str = ""
    halved: int = 0


class Position(msgspec.Struct, array_like=True, gc=False):
    """The event time (Unix s) up to which a partition of the input is read, with or without traces.

    0 stands for none yet. `partitions` is the number of the topic's partitions.
    """

    topic: str
    partition: int
    partitions: int
    at: float


class Spans(msgspec.Struct, array_like=True, gc=False):
    """A message: parts of traces from one batch of a source partition, or the positions of sources.

    Positions hold for the lines that stand before them in the same partition of ticketing-traces.
    """

    source: str
    parts: list[TracePart]
    positions: list[Position] = []


encoder = msgspec.msgpack.Encoder()
_spans = msgspec.msgpack.Decoder(Spans)
_lines = msgspec.msgpack.Decoder(list[tuple[Any, ...]])


def source_of(topic: str, partition: int) -> str:
    """The name of a partition of the input in these messages."""
    return f"{topic}:{partition}"


def encode_positions(positions: list[Position]) -> bytes:
    """A message without lines."""
    return encoder.encode(Spans("", [], positions))


def decode_spans(value: bytes) -> Spans:
    """A message of ticketing-traces; raises msgspec.MsgspecError."""
    return _spans.decode(value)


def decode_lines(value: bytes) -> list[Line]:
    """The lines of a part. A field of the wrong type counts as absent."""
    return [line for row in _lines.decode(value) if (line := _line(row)) is not None]


def _line(row: tuple[Any, ...]) -> Line | None:
    if len(row) < COLUMNS:
        return None
    at, span_id, parent_id, service, endpoint, level, duration, score, message, mark, host = row[
        :COLUMNS
    ]
    seconds = event_time(at)
    if seconds is None or not isinstance(service, str):
        return None
    return Line(
        at=seconds,
        span_id=_id(span_id),
        parent_id=_id(parent_id),
        service=service[:NAME_CHARS_MAX],
        endpoint=_text(endpoint, NAME_CHARS_MAX),
        level=_text(level, 16).upper(),
        duration=_seconds(duration),
        score=float(score) if isinstance(score, (int, float)) else 0.0,
        message=_text(message, MESSAGE_CHARS_MAX),
        fingerprint=_text(mark, 16),
        host=_text(host, NAME_CHARS_MAX),
    )


def _text(value: Any, chars_max: int) -> str:
    return value[:chars_max] if isinstance(value, str) else ""


def _id(value: Any) -> str:
    """A span's id; empty for one that names nothing."""
    text = _text(value, SPAN_ID_CHARS_MAX)
    return text if text and traceable(text) else ""


def _seconds(milliseconds: Any) -> float:
    usable = isinstance(milliseconds, (int, float)) and 0 <= milliseconds < 86_400_000
    return milliseconds / 1000.0 if usable else 0.0


class _Minutes(dict[str, float]):
    """A cache of the Unix times of minutes, as neighbouring records share their minute."""

    def __missing__(self, text: str) -> float:
        if len(self) >= MINUTES_KEPT:
            self.clear()
        self[text] = moment = _moment(f"{text}00Z")
        return moment


_minutes = _Minutes()


def event_time(said: Any) -> float | None:
    """Unix seconds of a record's time field, a date or a number; None without a valid time."""
    if not isinstance(said, str):
        seconds = in_seconds(said) if isinstance(said, float) else UNREADABLE
        return None if seconds == UNREADABLE else seconds
    try:
        if said[-1] == "Z":
            return _minutes[said[:17]] + float(said[17:-1])
        return _moment(said)
    except (msgspec.MsgspecError, ValueError, LookupError, OverflowError):
        return time_from(said)


def _moment(text: str) -> float:
    moment = msgspec.convert(text, datetime)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()
