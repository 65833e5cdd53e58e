"""Tallies as plain lists, for the wire: names once, and the items of each operation after them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ticketing.domain.evidence.sample import HASHES, SKETCH_MAX, hash_of_name
from ticketing.domain.evidence.tally import (
    ALERT,
    BUCKET_MAX,
    CALLS,
    CHILDREN_MAX,
    ENDLESS,
    ERRORS,
    GAPS,
    KINDS,
    LINES_MAX,
    NAMED,
    OWN,
    REQUESTS,
    REST,
    SPOILED,
    Tally,
)
from ticketing.domain.traces.facts import Operation

NAME_CHARS_MAX = 300
"""Names are read up to this length: twice that of any service or endpoint that people gave."""
COUNT_MAX = 10**12
"""The largest count that is believed: more than requests of a slot, in thousandths or microseconds."""

Rows = list[Any]


def packed(tally: Tally) -> Rows:
    """The tally as [names, [[operation, [[kind, detail, count, micros, limit, ids], ...]], ...]].

    An operation is its place in `names`, the list of [service, endpoint]; a limit of 0 is none.
    """
    names: dict[Operation, int] = {}

    def place(operation: Operation) -> int:
        return names.setdefault(operation, len(names))

    rows = []
    for operation, items in tally.operations.items():
        row = [
            [
                KINDS.index(kind),
                _packed_detail(kind, detail, place),
                item.count,
                item.micros,
                item.limit % HASHES,
                sorted(item.ids),
            ]
            for (kind, detail), item in items.items()
            if item.count > 0
        ]
        if row:
            rows.append([place(operation), row])
    return [[list(operation) for operation in names], rows]


def _packed_detail(kind: str, detail: Any, place: Any) -> Any:
    if detail == REST:
        return REST
    if kind in (CALLS, ERRORS):
        children, *others = detail
        return [[place(child) for child in children], *others]
    if kind == NAMED:
        return place(detail)
    if kind == GAPS:
        return [detail[0], place(detail[1]), place(detail[2])]
    return detail


def unpacked(rows: Any) -> Tally:
    """The tally that was packed; rows that another release wrote otherwise are left out.

    The bounds of a tally hold, whatever the rows say.
    """
    tally = Tally()
    if not _is_list(rows, 2) or not isinstance(rows[0], list) or not isinstance(rows[1], list):
        return tally
    names = [_operation(name) for name in rows[0]]
    for row in rows[1]:
        if not _is_list(row, 2) or not isinstance(row[1], list):
            continue
        operation = _at(names, row[0])
        if operation is None:
            continue
        for one in row[1]:
            _take(tally, operation, one, names)
    return tally


def _take(tally: Tally, operation: Operation, row: Any, names: list[Operation | None]) -> None:
    if not _is_list(row, 6) or not _is_number(row[0], len(KINDS) - 1):
        return
    kind = KINDS[row[0]]
    _, detail, count, micros, limit, ids = row[:6]
    detail = _detail(kind, detail, names)
    if detail is _UNKNOWN or not all(_is_number(one, COUNT_MAX) for one in (count, micros)):
        return
    if not _is_number(limit, HASHES - 1) or not isinstance(ids, list) or count == 0:
        return
    item = tally.item(operation, kind, detail)
    if item is None:
        return
    item.count += count
    item.micros += micros
    item.limit = min(item.limit, limit or HASHES)
    for id in ids[:SKETCH_MAX]:
        if _is_number(id, HASHES - 1):
            item.mark(id)


_UNKNOWN = object()


def _detail(kind: str, detail: Any, names: list[Operation | None]) -> Any:
    """The detail of an item; _UNKNOWN for one that no release wrote."""
    if detail == REST:
        return REST if kind in ENDLESS else _UNKNOWN
    if kind in (REQUESTS, ALERT):
        return None
    if kind == OWN:
        return detail if _is_number(detail, BUCKET_MAX) else _UNKNOWN
    if kind == NAMED:
        return _at(names, detail) or _UNKNOWN
    if kind == GAPS:
        return _gap(detail, names)
    if kind == SPOILED:
        return detail if isinstance(detail, bool) else _UNKNOWN
    if not _is_list(detail, 3 if kind == CALLS else 2) or not isinstance(detail[0], list):
        return _UNKNOWN
    children = tuple(_at(names, place) for place in detail[0][:CHILDREN_MAX])
    if None in children or not isinstance(detail[1], bool):
        return _UNKNOWN
    if kind == ERRORS:
        return children, detail[1]
    return (children, detail[1], detail[2]) if _is_number(detail[2], LINES_MAX) else _UNKNOWN


def _gap(detail: Any, names: list[Operation | None]) -> Any:
    if not _is_list(detail, 3) or not _is_number(detail[0], BUCKET_MAX):
        return _UNKNOWN
    before, after = _at(names, detail[1]), _at(names, detail[2])
    return _UNKNOWN if before is None or after is None else (detail[0], before, after)


def _operation(name: Any) -> Operation | None:
    if not _is_list(name, 2) or not all(isinstance(part, str) for part in name[:2]):
        return None
    return name[0][:NAME_CHARS_MAX], name[1][:NAME_CHARS_MAX]


def _at(names: list[Operation | None], place: Any) -> Operation | None:
    return names[place] if _is_number(place, len(names) - 1) else None


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) >= length


def _is_number(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def parts(tally: Tally, count: int) -> list[Tally]:
    """The tally in so many parts, an operation whole in one of them; together they are the whole."""
    found = [Tally() for _ in range(count)]
    for operation, kind, detail, item in tally.items():
        mine = found[hash_of_name(operation) % count].item(operation, kind, detail)
        if mine is not None:
            mine.join(item)
    return found


def joined(tallies: Iterable[Tally]) -> Tally:
    """The tally that the parts make together."""
    whole = Tally()
    for tally in tallies:
        whole.dropped += tally.dropped
        for operation, kind, detail, item in tally.items():
            mine = whole.item(operation, kind, detail)
            if mine is not None:
                mine.join(item)
    return whole
