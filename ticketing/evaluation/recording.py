"""A recording in memory: its lines with their event times, in the order of time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from agents.record_reader import RecordReader
from ticketing.domain.alerts.event_times import YEAR_2000
from ticketing.errors import Misconfigured
from ticketing.evaluation.partition import MemoryRecord
from ticketing.kafka.feed import read_lines
from ticketing.wire.traces import event_time

QUOTED_CHARS_MAX = 60
"""Of a bad line: enough to find it again."""


class Line(NamedTuple):
    """A record of the recording: event time (Unix seconds), its bytes, trace id and place.

    `part` tells which of two recordings laid over one another has the line; 0 in a plain one.
    """

    at: float
    value: bytes
    trace_id: str = ""
    number: int = 0
    part: int = 0


def read_recording(path: Path, reader: RecordReader) -> list[Line]:
    """The lines of a JSONL file, plain or .gz, by event time; those of one time in their order.

    A line without a time has that of the line before. Raises Misconfigured with the place for a
    line that is no JSON object, for a damaged file, and for one without any time.
    """
    found: list[tuple[float | None, bytes, str, int]] = []
    try:
        for number, value in enumerate(read_lines(path), 1):
            _require_object(path, number, value)
            slim = reader.slim_lines_of([MemoryRecord(value, 0, 0)])[0]
            at = None if slim.timestamp is None else event_time(slim.timestamp)
            credible = at if at is not None and at >= YEAR_2000 else None
            found.append((credible, value, slim.trace_id or "", number))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Misconfigured(f"{path}: damaged behind line {len(found)}: {error}") from error
    if not found:
        raise Misconfigured(f"{path}: has no records")
    return sorted(_timed(path, found), key=lambda line: line.at)


def _timed(path: Path, found: Iterable[tuple[float | None, bytes, str, int]]) -> Iterator[Line]:
    found = list(found)
    last = next((at for at, *_ in found if at is not None), None)
    if last is None:
        raise Misconfigured(
            f"{path}: no record has a time (@timestamp, or its name in input.fields)"
        )
    for at, value, trace_id, number in found:
        last = last if at is None else at
        yield Line(last, value, trace_id, number)


def _require_object(path: Path, number: int, value: bytes) -> None:
    try:
        if isinstance(msgspec.json.decode(value), dict):
            return
        why = "not a JSON object"
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        why = f"not JSON: {error}"
    shown = value[:QUOTED_CHARS_MAX].decode(errors="replace")
    raise Misconfigured(f"{path}: line {number}: {why}: {shown}")
