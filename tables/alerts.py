"""The table of alerts: records and their encoding."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.alerts.conservation import Counted, CountedSource
from ticketing.domain.alerts.redriven import RedrivenOffsets
from ticketing.domain.alerts.storm import Guard
from ticketing.wire.alerts import encode_alert

Record: TypeAlias = Alert | Guard | RedrivenOffsets | Counted
"""An alert is kept under its fingerprint, a guard and redriven offsets under keys of their own, the
marks of all source partitions under `SOURCES`."""

SOURCES = ("sources", "sources-again")
"""The keys of the marks of a partition; the second is used while the first can't be read."""


class _Counts(msgspec.Struct, array_like=True):
    """The marks of one topic: partition, and the offsets counted from, up to, balanced up to, count.

    Some 32 bytes a source partition: the row stays below 64 kB for 2,000 of them, twice as many as
    a large input has. An offset of -1 is none.
    """

    topic: str
    id: str
    places: list[tuple[int, int, int, int, int]]


class _Stored(msgspec.Struct, omit_defaults=True):
    alert: Alert | None = None
    guard: Guard | None = None
    redriven: RedrivenOffsets | None = None
    counted: list[_Counts] | None = None


class _StateOf(msgspec.Struct):
    state: AlertState = AlertState.FIRING


class _StoredState(msgspec.Struct):
    alert: _StateOf | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)
_state_decoder = msgspec.json.Decoder(_StoredState)


def encode(record: Record) -> bytes:
    """A record as JSON."""
    if isinstance(record, Alert):
        return b'{"alert":%b}' % encode_alert(record)
    if isinstance(record, Guard):
        return _encoder.encode(_Stored(guard=record))
    if isinstance(record, RedrivenOffsets):
        return _encoder.encode(_Stored(redriven=record))
    return _encoder.encode(_Stored(counted=_packed(record)))


def decode(value: bytes) -> Record:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    stored = _decoder.decode(value)
    if stored.alert is not None:
        return stored.alert
    if stored.counted is not None:
        return _counted(stored.counted)
    record = stored.guard or stored.redriven
    if record is None:
        raise msgspec.ValidationError("the record is of no known kind")
    return record


def is_firing(record: Record) -> bool:
    """True for an alert that is not quiet."""
    return isinstance(record, Alert) and record.state is not AlertState.QUIET


def is_stored_firing(value: bytes) -> bool:
    """`is_firing` for an encoded record, of which only the state is decoded."""
    found = _state_decoder.decode(value).alert
    return found is not None and found.state is not AlertState.QUIET


def _packed(counted: Counted) -> list[_Counts]:
    found: dict[tuple[str, str], _Counts] = {}
    for source in counted.sources:
        known = counted.sources[source]
        id, _, partition = source.rpartition(":")
        first = known.since.rpartition(":")[2]
        group = found.setdefault((known.topic, id), _Counts(known.topic, id, []))
        group.places.append(
            (int(partition), int(first or -1), known.through, known.balanced, known.count)
        )
    return list(found.values())


def _counted(packed: list[_Counts]) -> Counted:
    sources: dict[str, CountedSource] = {}
    for group in packed:
        for partition, first, through, balanced, count in group.places:
            sources[f"{group.id}:{partition}"] = CountedSource(
                topic=group.topic,
                since=f"{group.id}:{first if first >= 0 else ''}",
                through=through,
                balanced=balanced,
                count=count,
            )
    return Counted(sources=sources)
