"""Reads log records by a table of field names; a field that can't be read never costs the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from agents.log_record import (
    NOT_TEXT,
    RECORD_ERRORS,
    Detail,
    Document,
    Record,
    decode_detail,
    decode_document,
    decode_head,
    decode_level,
    decode_score,
    decode_slim,
)
from agents.repair import repaired
from agents.span_packer import Head, SlimLine
from ticketing.domain.alerts.event_times import UNREADABLE
from ticketing.domain.alerts.field_names import (
    LOGCLAW,
    FieldNames,
    LevelScale,
    milliseconds_of,
)
from ticketing.domain.alerts.field_paths import found, opened, splits
from ticketing.domain.alerts.field_values import (
    level_from,
    message_from,
    names_from,
    number_from,
    score_from,
    text_from,
    time_from,
)
from ticketing.domain.alerts.record_fields import BadInput, Unfit, tenant_of

SHAPES_KEPT = 256
"""Sets of keys whose fields' places are remembered: a topic has few kinds of records."""

T = TypeVar("T")

Raws = dict[str, msgspec.Raw]
"""A record's top level, each value as it is written."""
Places = list[tuple[str, str, str]]
"""The keys under which a field may stand: key, rest of the dotted name, and the whole name."""

_raws = msgspec.json.Decoder(Raws).decode
_any = msgspec.json.Decoder().decode


class Loose(NamedTuple):
    """A record read field by field, and True if bytes of it had to be repaired."""

    document: Detail
    repaired: bool


class RecordReader:
    """Reads records under the names of one table.

    Records under LogClaw's names are decoded into types at once, and only those that don't fit field
    by field; under any other names all anomalies are read field by field.
    """

    def __init__(
        self,
        names: FieldNames,
        scale: LevelScale,
        *,
        minimum_score: float,
        by_level: Callable[[object], float | None] | None,
    ) -> None:
        """`scale` tells what numbers mean as levels; below `minimum_score` only the score is read.

        `by_level` scores a record without a score by the word of its level; without `by_level` of
        such a record nothing else is read.
        """
        self._typed = names == LOGCLAW
        self.by_level = by_level
        self._scale = scale
        self._minimum = minimum_score
        self._places = {field: _places(of) for field, of in names.items()}
        self._shapes: dict[tuple[str, ...], dict[str, Places]] = {}
        self._score = decode_score if self._typed else _score_decoder(self._places["anomaly_score"])
        self.document: Callable[[Any], Document] = (
            decode_document if self._typed else self._untyped_document
        )
        """Decodes a value that needs no repair; raises one of RECORD_ERRORS for any other."""

    def scores_of(self, records: Sequence[Record]) -> list[float | None]:
        """The score of every record; -1 for an unreadable record, which is looked at again."""
        scores: list[float | None] = []
        append, decode = scores.append, self._score
        remaining = iter(records)
        while len(scores) < len(records):
            try:
                for record in remaining:
                    append(decode(record.value).anomaly_score)  # type: ignore[arg-type]
            except RECORD_ERRORS:
                append(-1.0)
        return scores

    def level_score(self, value: bytes | None) -> float | None:
        """The score by level of a record without a score; -1 for a record to be looked at again.

        None for an unsuspicious one, as for all records where nothing is scored by its level.
        """
        if self.by_level is None or value is None:
            return None
        try:
            if self._typed:
                return self.by_level(self.level_of(decode_level(value).level))
            return self.by_level(_Fields(_raws(value), self._shape).first("level", self.level_of))
        except RECORD_ERRORS:
            return -1.0

    def slim_lines_of(self, records: Sequence[Record]) -> list[SlimLine]:
        """The line of every record; a field that can't be read is absent."""
        return self._lines_of(records, decode_slim if self._typed else self._untyped_slim)

    def heads_of(self, records: Sequence[Record]) -> Sequence[Head | SlimLine]:
        """The score and the request of every record; a field that can't be read is absent."""
        if not self._typed:
            return self.slim_lines_of(records)
        return self._lines_of(records, decode_head)

    def _lines_of(
        self, records: Sequence[Record], decode: Callable[[Any], T]
    ) -> list[T | SlimLine]:
        lines: list[T | SlimLine] = []
        append, remaining = lines.append, iter(records)
        while len(lines) < len(records):
            try:
                for record in remaining:
                    append(decode(record.value))
            except RECORD_ERRORS:
                append(self._loose_slim(records[len(lines)].value))
        return lines

    def detail_of(self, record: Record) -> Detail:
        """All fields of a record that was read before; fields that can't be read are absent.

        The first reading skips some fields, and msgspec does not check the bytes of a skipped field:
        the second reading must not fail on them.
        """
        assert record.value is not None, "it was read before"
        if self._typed:
            try:
                detail = decode_detail(record.value)
            except RECORD_ERRORS:
                pass
            else:
                detail.level = self.level_of(detail.level)
                return detail
        return self.loosely(record.value).document

    def has_score(self, value: bytes) -> bool:
        """True for a record with a score, be it a good one; False for one that can't be read."""
        try:
            return self._fields(value).first("anomaly_score", _given) is not None
        except RECORD_ERRORS:
            return False

    def whole(self, value: bytes) -> Detail:
        """All fields of a record, whatever its score; raises one of RECORD_ERRORS."""
        return self._whole(self._fields(value), None)

    def loosely(self, value: bytes) -> Loose:
        """A record read field by field.

        Raises Unfit if the document, the score or an anomaly's tenant is bad, RecursionError if it
        nests too deep.
        """
        fields = self._fields(value)
        return Loose(self._detail(fields), fields.repaired)

    def level_of(self, value: Any) -> str | None:
        """The word of a level, which may be a number."""
        return level_from(value, self._scale)

    def _fields(self, value: bytes) -> _Fields:
        try:
            return _Fields(_raws(value), self._shape)
        except msgspec.ValidationError as error:
            raise Unfit(BadInput.UNDECODABLE, str(error)) from error
        except NOT_TEXT as error:
            try:
                readable = repaired(value)
            except (ValueError, RecursionError):
                raise Unfit(BadInput.UNDECODABLE, str(error)) from error
        try:
            return _Fields(_raws(readable), self._shape, was_repaired=True)
        except msgspec.ValidationError as error:
            raise Unfit(BadInput.UNDECODABLE, str(error)) from error

    def _shape(self, raws: Raws) -> dict[str, Places]:
        """The places of each field that a record with these keys has."""
        keys = tuple(raws)
        known = self._shapes.get(keys)
        if known is None:
            if len(self._shapes) >= SHAPES_KEPT:
                self._shapes.clear()
            known = self._shapes[keys] = {
                field: [place for place in places if place[0] in raws]
                for field, places in self._places.items()
            }
        return known

    def _untyped_document(self, value: bytes) -> Document:
        fields = _Fields(_raws(value), self._shape)
        document = self._detail(fields)
        if fields.repaired:
            raise msgspec.DecodeError("its bytes are not UTF-8")
        return document

    def _untyped_slim(self, value: bytes) -> SlimLine:
        return self._slim(_Fields(_raws(value), self._shape))

    def _loose_slim(self, value: bytes | None) -> SlimLine:
        try:
            return self._slim(self._fields(value or b""))
        except RECORD_ERRORS:
            return SlimLine(anomaly_score=-1.0)

    def _score_of(self, fields: _Fields) -> float | None:
        value = fields.first("anomaly_score", _given)
        return None if value is None else score_from(value)

    def _detail(self, fields: _Fields) -> Detail:
        score = self._score_of(fields)
        unsuspicious = self.by_level is None if score is None else 0.0 <= score < self._minimum
        return Detail(anomaly_score=score) if unsuspicious else self._whole(fields, score)

    def _whole(self, fields: _Fields, score: float | None) -> Detail:
        text = fields.first
        tenant = text("tenant_id", _given)
        return Detail(
            anomaly_score=score,
            message=text("message", message_from),
            service=text("service", text_from),
            tenant_id=None if tenant is None else tenant_of(tenant),
            level=text("level", self.level_of),
            severity=text("severity", text_from),
            timestamp=self._time(fields),
            trace_id=text("trace_id", text_from),
            endpoint=text("endpoint", text_from),
            affected_services=text("affected_services", names_from),
            affected_endpoint=text("affected_endpoint", text_from),
            error_message=text("error_message", message_from),
            description=text("description", message_from),
            span_id=text("span_id", text_from),
            environment=text("environment", text_from),
            host_name=text("host_name", text_from),
            duration_ms=self._duration(fields),
        )

    def _slim(self, fields: _Fields) -> SlimLine:
        score = self._score_of(fields)
        text = fields.first
        trace_id = text("trace_id", text_from)
        if trace_id is None:
            return SlimLine(anomaly_score=score, level=text("level", self.level_of))
        tenant = text("tenant_id", _given)
        message = text("message", message_from) or text("error_message", message_from)
        return SlimLine(
            timestamp=text("timestamp", _moment),
            span_id=text("span_id", text_from),
            parent_span_id=text("parent_span_id", text_from),
            service=text("service", text_from),
            endpoint=text("endpoint", text_from),
            level=text("level", self.level_of),
            duration_ms=self._duration(fields),
            anomaly_score=score,
            message=message,
            host_name=text("host_name", text_from),
            trace_id=trace_id if tenant is None or isinstance(tenant, str) else None,
            tenant_id=tenant if isinstance(tenant, str) else None,
            environment=text("environment", text_from),
        )

    def _time(self, fields: _Fields) -> float | None:
        at: float | None = fields.first("timestamp", _moment)
        if at is None and fields.first("timestamp", _given) is not None:
            return UNREADABLE
        return at

    def _duration(self, fields: _Fields) -> float | None:
        for key, rest, name in fields.places["duration_ms"]:
            number = number_from(fields.at(key, rest))
            if number is not None:
                return number * milliseconds_of(name)
        return None


class _Fields:
    """A record's top level; each value is decoded when it is asked for, and once."""

    __slots__ = ("_decoded", "_raws", "places", "repaired")

    def __init__(
        self,
        raws: Raws,
        shape: Callable[[Raws], dict[str, Places]],
        *,
        was_repaired: bool = False,
    ) -> None:
        self._raws = raws
        self._decoded: dict[str, Any] = {}
        self.places = shape(raws)
        self.repaired = was_repaired

    def first(self, field: str, read: Callable[[Any], Any]) -> Any:
        """The first value of a field of which `read` makes anything but None."""
        for key, rest, _ in self.places[field]:
            value = self.at(key, rest)
            if value is not None:
                value = read(value)
                if value is not None:
                    return value
        return None

    def at(self, key: str, rest: str) -> Any:
        """The value under a key and a dotted rest; None without one that can be read."""
        decoded = self._decoded
        if key not in decoded:
            decoded[key] = opened(self._decode(self._raws[key]))
        return found(decoded[key], rest)

    def _decode(self, raw: msgspec.Raw) -> Any:
        try:
            return _any(raw)
        except NOT_TEXT:
            pass
        except RecursionError:
            return None
        self.repaired = True
        try:
            return _any(repaired(bytes(raw)))
        except RECORD_ERRORS:
            return None


def _places(names: Sequence[str]) -> Places:
    return [(key, rest, name) for name in names for key, rest in splits(name)]


def _given(value: Any) -> Any:
    return value


def _moment(value: Any) -> float | None:
    """A moment; zero says that none is known, as in OTLP."""
    return time_from(value) or None


def _score_decoder(places: Places) -> Callable[[Any], Any]:
    """A decoder of the score alone, for a table whose score has other names than LogClaw's."""
    flat = [key for key, rest, _ in places if not rest]
    if len(places) == 1:
        kind = msgspec.defstruct(
            "_NamedScore",
            [("anomaly_score", float | None, msgspec.field(default=None, name=flat[0]))],
            gc=False,
        )
        return msgspec.json.Decoder(kind).decode
    keys = list(dict.fromkeys(key for key, _, _ in places))
    fields = [(f"f{n}", Any, msgspec.field(default=None, name=key)) for n, key in enumerate(keys)]
    decode = msgspec.json.Decoder(msgspec.defstruct("_Scores", fields, gc=False)).decode
    ways = [(f"f{keys.index(key)}", rest) for key, rest, _ in places]

    def read(value: bytes) -> _Scored:
        record = decode(value)
        for name, rest in ways:
            inner = getattr(record, name)
            if inner is not None:
                score = found(inner, rest)
                if score is not None:
                    return _Scored(score_from(score))
        return _NO_SCORE

    return read


class _Scored(NamedTuple):
    anomaly_score: float | None


_NO_SCORE = _Scored(None)
