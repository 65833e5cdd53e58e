"""The table of incidents: records and their encoding."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import msgspec

from ticketing.domain.alerts.conservation import Counted, CountedSource
from ticketing.domain.alerts.redriven import RedrivenOffsets
from ticketing.domain.alerts.watermarks import MARKS_MAX, Marks
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.storm import Guard
from ticketing.wire.incidents import encode_incident

Record: TypeAlias = Incident | Guard | RedrivenOffsets | Counted
"""The current episode is kept under its fingerprint, an archived one under its id, a guard or the
redriven offsets under a key of their own, and what the partition has counted under `COUNTED`."""

COUNTED = "counted"
"""The key of a partition's `Counted`; neither a fingerprint nor an id, both of which are hex digits."""


MARKS_BYTES_MAX = 20_000
"""Some 1,300 source partitions at 15 bytes each. With the record itself a row stays below 64 kB."""


class _Marks(msgspec.Struct, array_like=True):
    """Watermarks of one topic and version of the rules: partition, offset, partition, offset ..."""

    topic: str
    version: str
    places: list[int]


class _Counts(msgspec.Struct, array_like=True):
    """Counts of one topic: for each partition, the offsets counted from and up to, and the count.

    Some 28 bytes a source partition: the row stays below 64 kB for 2,000 of them. An offset of -1
    is none.
    """

    topic: str
    id: str
    places: list[tuple[int, int, int, int]]


class _Stored(msgspec.Struct, omit_defaults=True):
    incident: Incident | None = None
    guard: Guard | None = None
    redriven: RedrivenOffsets | None = None
    counted: list[_Counts] | None = None
    marks: list[_Marks] = []


class _StatusOf(msgspec.Struct):
    status: Status = Status.OPEN


class _StoredStatus(msgspec.Struct):
    incident: _StatusOf | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)
_status_decoder = msgspec.json.Decoder(_StoredStatus)


def encode(record: Record) -> bytes:
    """A record as JSON, within its bound."""
    if isinstance(record, Incident):
        incident = encode_incident(record)
        return b'{"incident":%b,"marks":%b}' % (incident, _encode_marks(record.watermarks))
    if isinstance(record, RedrivenOffsets):
        return _encoder.encode(_Stored(redriven=record))
    if isinstance(record, Counted):
        return _encoder.encode(_Stored(counted=_packed_counts(record)))
    return _encoder.encode(_Stored(guard=record))


def decode(value: bytes) -> Record:
    """The reverse of encode; unknown fields are ignored, missing ones take their defaults.

    Raises msgspec.DecodeError or ValidationError.
    """
    stored = _decoder.decode(value)
    if stored.incident is not None:
        # In place, as nobody else has the record yet: a copy would cost more than the decoding.
        stored.incident.watermarks.update(_watermarks(stored.marks))
        return stored.incident
    if stored.counted is not None:
        return _counted(stored.counted)
    record = stored.guard or stored.redriven
    if record is None:
        raise msgspec.ValidationError("the record is of no known kind")
    return record


def _encode_marks(marks: Marks) -> bytes:
    """The watermarks without the names that they share, those raised the longest ago left out."""
    while True:
        value = _encoder.encode(_packed(marks))
        if len(value) <= MARKS_BYTES_MAX:
            return value
        kept = len(marks) * MARKS_BYTES_MAX // (len(value) + 1)
        marks = dict(list(marks.items())[len(marks) - kept :])


def _packed(marks: Marks) -> list[_Marks]:
    """The watermarks in their order; neighbours of one topic and version share its name."""
    found: list[_Marks] = []
    name = None
    for source, offset in marks.items():
        topic, partition, version = _parts(source)
        if name != (topic, version):
            name = (topic, version)
            found.append(_Marks(topic, version, []))
        found[-1].places += (partition, offset)
    return found


@lru_cache(maxsize=MARKS_MAX)
def _parts(source: str) -> tuple[str, int, str]:
    """The parts of a source's name (`Detector.source`); -1 stands for a name that has none."""
    topic, _, rest = source.partition(":")
    number, _, version = rest.partition(":")
    if number.isascii() and number.isdigit() and str(int(number[:18])) == number and version:
        return topic, int(number), version
    return source, -1, ""


def _watermarks(packed: list[_Marks]) -> Marks:
    marks: Marks = {}
    for group in packed:
        for partition, offset in zip(group.places[::2], group.places[1::2], strict=False):
            name = f"{group.topic}:{partition}:{group.version}" if partition >= 0 else group.topic
            marks[name] = offset
    return marks


def _packed_counts(counted: Counted) -> list[_Counts]:
    found: dict[tuple[str, str], _Counts] = {}
    for name, source in counted.sources.items():
        topic, _, partition = name.rpartition(":")
        id, _, first = source.since.rpartition(":")
        group = found.setdefault((topic, id), _Counts(topic, id, []))
        group.places.append((int(partition), int(first or -1), source.through, source.count))
    return list(found.values())


def _counted(packed: list[_Counts]) -> Counted:
    sources: dict[str, CountedSource] = {}
    for group in packed:
        for partition, first, through, count in group.places:
            since = f"{group.id}:{first if first >= 0 else ''}"
            source = CountedSource(since=since, through=through, count=count)
            sources[f"{group.topic}:{partition}"] = source
    return Counted(sources=sources)


def is_open(record: Record | None) -> bool:
    """True for an incident that is not resolved."""
    return isinstance(record, Incident) and record.status is not Status.RESOLVED


def is_stored_open(value: bytes) -> bool:
    """`is_open` for an encoded record, of which only the status is decoded."""
    found = _status_decoder.decode(value).incident
    return found is not None and found.status is not Status.RESOLVED
