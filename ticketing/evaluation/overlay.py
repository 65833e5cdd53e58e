"""Two faults of one recording at once: the time around one laid over that around the other.

Each half gives every second request, chosen by the hash of its trace id, before the injection as
after it. So there is as much traffic as in the recording, all the time: were all of both kept, twice
the traffic would come with the second half, and each fault would show in fewer of the requests.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from ticketing.domain.alerts.event_times import in_seconds
from ticketing.domain.alerts.field_names import FieldNames
from ticketing.errors import Misconfigured
from ticketing.evaluation.judging import AFTER_SECONDS
from ticketing.evaluation.labels import Fault
from ticketing.evaluation.recording import Line
from ticketing.view.times import iso
from ticketing.wire.traces import event_time

LEAD_SECONDS = 900.0
"""Time before the injections: a quarter of an hour to learn what is usual."""
REST_SECONDS = 60.0
"""Time after the window of a fault, for the tickets of what began in it."""

Shift = Callable[[bytes, float], bytes]
"""A record with its time so many seconds later."""


class Pair(NamedTuple):
    """Two faults at once: the lines, and the labels of both."""

    lines: list[Line]
    faults: list[Fault]


def pairs(lines: Sequence[Line], faults: Sequence[Fault], shift: Shift) -> Iterator[Pair]:
    """Every two faults in different services, laid over one another at the time of the first."""
    for one, other in itertools.combinations(faults, 2):
        if one.service != other.service:
            lead = min(_lead(one, faults), _lead(other, faults))
            yield laid_over(lines, one, other, lead, shift)


def laid_over(lines: Sequence[Line], one: Fault, other: Fault, lead: float, shift: Shift) -> Pair:
    """Two faults at once, after `lead` seconds without either."""
    halves = [
        [
            Line(line.at + later, shift(line.value, later), line.trace_id, line.number, part)
            for line in lines
            if fault.at - lead <= line.at <= fault.at + AFTER_SECONDS + REST_SECONDS
            and _half(line) == part
        ]
        for part, fault, later in ((0, one, 0.0), (1, other, one.at - other.at))
    ]
    laid = sorted([*halves[0], *halves[1]], key=lambda line: line.at)
    return Pair(laid, [replace(one, part=0), replace(other, at=one.at, part=1)])


def shifting(names: FieldNames) -> Shift:
    """Moves the time of a record that has it under one of these names."""

    def shift(value: bytes, by: float) -> bytes:
        if not by:
            return value
        document = msgspec.json.decode(value)
        for name in names["timestamp"]:
            holder, key = _place(document, name)
            if holder is not None:
                holder[key] = _later(holder[key], by)
        return msgspec.json.encode(document)

    return shift


def _place(document: Any, name: str) -> tuple[dict[str, Any] | None, str]:
    """The object with a field of a dotted name, and the field's key in it."""
    holder, key = document, name
    while isinstance(holder, dict):
        if key in holder:
            return holder, key
        first, _, key = key.partition(".")
        holder = holder.get(first)
    return None, key


def _later(stated: Any, by: float) -> Any:
    if isinstance(stated, (int, float)):
        unit = in_seconds(float(stated)) / stated if stated else 1.0
        return stated + type(stated)(by / unit)
    at = event_time(stated)
    if at is None:
        return stated
    return iso(at + by)


def _half(line: Line) -> int:
    return zlib.crc32(line.trace_id.encode() or line.value) % 2


def _lead(fault: Fault, faults: Sequence[Fault]) -> float:
    """The seconds before a fault that show no other one, at most LEAD_SECONDS."""
    since = [other.at + AFTER_SECONDS for other in faults if other.at < fault.at]
    lead = min(LEAD_SECONDS, fault.at - max(since, default=-LEAD_SECONDS))
    if lead <= 0:
        raise Misconfigured(
            f"the fault of {iso(fault.at)} in {fault.service} was injected within"
            f" {AFTER_SECONDS:.0f} s of the one before: they can't be told apart"
        )
    return lead
