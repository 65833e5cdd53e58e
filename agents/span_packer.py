"""Packs the lines of a run by request, for ticketing-traces; no I/O."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from msgspec.structs import astuple

from ticketing.domain.alerts.record_fields import DEFAULT_TENANT, Tenants
from ticketing.domain.text import cleaned, cut
from ticketing.domain.traces.sampling import RequestSample, ScopeSample, lot_of
from ticketing.domain.traces.spans import ERROR_LEVELS, traceable
from ticketing.domain.traces.watermark import plausible
from ticketing.wire.traces import (
    MESSAGE_CHARS_MAX,
    USUAL_MESSAGE_CHARS_MAX,
    Row,
    encoder,
    event_time,
)

T = TypeVar("T")

TRACE_ID_CHARS_MAX = 128
"""Four times the length of a W3C or B3 trace id: a longer text is no id."""
RECORD_BYTES_MAX = 100_000
"""A larger record is counted like any other but not followed: a few would fill a message."""
MESSAGE_BYTES_MAX = 600_000
"""Bytes of the records packed in one message, which is no larger. With one more record of
RECORD_BYTES_MAX they stay below Kafka's default limit of a megabyte."""
ENCODED_BYTES_MAX = 900_000
"""Bytes of a message as it is sent: a byte that is no UTF-8 becomes three, so lines may have grown."""


class Record(Protocol):
    """The used part of a Kafka record; `timestamp` in milliseconds."""

    value: bytes | None
    timestamp: int


class SlimLine(msgspec.Struct, gc=False):
    """The fields read of every record where requests are followed, in the order of a row."""

    timestamp: str | float | None = msgspec.field(default=None, name="@timestamp")
    span_id: str | None = None
    parent_span_id: str | None = None
    service: str | None = None
    endpoint: str | None = None
    level: str | None = None
    duration_ms: float | None = None
    anomaly_score: float | None = None
    message: str | None = None
    counted_in: str | None = msgspec.field(default=None, name=" ")
    """The fingerprint. Only detection sets it: no log has a field of this name."""
    host_name: str | None = None
    trace_id: str | None = None
    tenant_id: str | None = None
    environment: str | None = None


ROW_FIELDS = SlimLine.__struct_fields__.index("host_name") + 1


class Head(msgspec.Struct, gc=False):
    """The fields that tell whether a record is anomalous, and whether its request is followed."""

    anomaly_score: float | None = None
    level: str | None = None
    trace_id: str | None = None
    tenant_id: str | None = None
    environment: str | None = None


class Mark(NamedTuple):
    """A counted record: its fingerprint, service, event time (Unix seconds) and scope."""

    fingerprint: str
    service: str
    at: float
    scope: str


@dataclass(slots=True)
class _Group:
    """The lines of one trace in one run; `followed` is false where the id names no request.

    `scope` is that of the first line: a request that crosses scopes counts where it was seen first.
    """

    followed: bool = True
    scope: str = ""
    lot: int = 0
    sample: ScopeSample | None = None
    rows: list[Row] = field(default_factory=list)
    marks: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    bytes: int = 0


Key = tuple[str, str]
"""Tenant and trace id."""


class Packer:
    """Takes lines of one run and gives messages, a few per target partition."""

    def __init__(
        self,
        source: str,
        scope: Callable[[str | None, str | None], str],
        requests: RequestSample | None = None,
        *,
        scrub: Callable[[str], str] | None = None,
        tenants: Tenants | None = None,
    ) -> None:
        """`source` names the input's partition: lines of one source keep their order.

        `scope` gives the scope of a line's tenant and environment, as in the record. `requests` learns
        of every request, in the order of its lines; `scrub` takes secrets out of texts; `tenants` are
        the known ones.
        """
        self._scrub = scrub
        self._tenants = tenants or Tenants()
        self._source = source
        self._requests = requests or RequestSample()
        self._scope = scope
        self._groups: dict[Key, _Group] = {}
        self._full: list[tuple[Key, _Group]] = []

    def add(self, line: SlimLine, record: Record, mark: Mark | None) -> None:
        """Take in a line that belongs to a request; ignore any other."""
        trace_id = line.trace_id
        if not trace_id or record.value is None:
            return
        key = self._tenants.of(line.tenant_id or DEFAULT_TENANT), trace_id
        group = self._groups.get(key)
        if group is None:
            followed = len(trace_id) <= TRACE_ID_CHARS_MAX and traceable(trace_id)
            group = self._groups[key] = _Group(followed)
            if followed:
                group.scope = self._scope(line.tenant_id, line.environment)
                group.lot, group.sample = lot_of(trace_id), self._requests.of(group.scope)
                at = event_time(line.timestamp) if line.timestamp is not None else None
                group.sample.note(group.lot, plausible(at, record.timestamp / 1000.0))
        size = len(record.value)
        if not group.followed or size > RECORD_BYTES_MAX:
            return
        if line.timestamp is None:
            line.timestamp = record.timestamp / 1000.0
        message = line.message
        if message is not None and self._scrub is not None:
            message = self._scrub(message)
        if line.endpoint is not None and self._scrub is not None:
            line.endpoint = self._scrub(line.endpoint)
        if message is not None and len(message) > USUAL_MESSAGE_CHARS_MAX:
            telling = mark is not None or line.level in _TELLING
            # Marked, so that half a secret at its end is known as cut.
            message = cut(message, MESSAGE_CHARS_MAX if telling else USUAL_MESSAGE_CHARS_MAX)
        line.message = _seen(message)
        line.endpoint, line.host_name = _seen(line.endpoint), _seen(line.host_name)
        if mark is not None:
            line.counted_in = mark.fingerprint
            _, at, _ = group.marks.get(mark.fingerprint, ("", 0.0, ""))
            group.marks[mark.fingerprint] = mark.service, max(at, mark.at), mark.scope
        group.rows.append(astuple(line)[:ROW_FIELDS])
        group.bytes += size
        if group.bytes > MESSAGE_BYTES_MAX:
            self._full.append((key, group))
            del self._groups[key]

    def messages(self, partitions: int) -> Iterator[tuple[int, bytes]]:
        """Each message with its target partition; a trace always goes to the same one."""
        open_: dict[int, list[tuple[Key, _Group]]] = {}
        sizes: dict[int, int] = {}
        for key, group in [*self._full, *self._groups.items()]:
            if not group.rows:
                continue
            target = target_of(key, partitions)
            if sizes.get(target, 0) + group.bytes > MESSAGE_BYTES_MAX and target in open_:
                yield from self._messages(target, open_.pop(target))
                sizes[target] = 0
            open_.setdefault(target, []).append((key, group))
            sizes[target] = sizes.get(target, 0) + group.bytes
        for target, groups in open_.items():
            yield from self._messages(target, groups)

    def _messages(
        self, target: int, groups: Sequence[tuple[Key, _Group]]
    ) -> Iterator[tuple[int, bytes]]:
        """One message, or several where the lines have grown; a line too large for one is left out."""
        parts = [
            (
                tenant,
                trace_id,
                len(group.rows),
                group.rows[-1][0],
                group.marks,
                group.rows,
                group.scope,
                group.sample.level if group.sample is not None else 0,
            )
            for (tenant, trace_id), group in groups
        ]
        value = encoder.encode((self._source, parts))
        if len(value) <= ENCODED_BYTES_MAX:
            yield target, value
        elif len(groups) > 1:
            for some in _halves(groups):
                yield from self._messages(target, some)
        elif len(groups[0][1].rows) > 1:
            key, group = groups[0]
            for rows in _halves(group.rows):
                yield from self._messages(target, [(key, replace(group, rows=list(rows)))])


def _halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _seen(text: str | None) -> str | None:
    """The text as people see it."""
    return text if text is None or text.isprintable() else cleaned(text)


_TELLING = frozenset(
    spelt for word in (*ERROR_LEVELS, "WARN", "WARNING") for spelt in (word, word.lower())
)


def target_of(key: Key, partitions: int) -> int:
    """The partition, of so many, in which all lines of a trace meet."""
    text = "\0".join(key)
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % partitions
