"""Decoding for readers: what this release cannot read is left out, instead of the whole record.

The writer of a record must never read it so, since writing it back would lose what was left out.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")

INT_MAX = 2**63 - 1
"""The largest integer that every client of ours can write and read."""
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""Errors of decoding; for bytes that are not UTF-8, and for deep nesting, msgspec raises others."""
_HALVES = re.compile("[\ud800-\udfff]")


def document(value: bytes) -> Any:
    """A record's JSON, also where bytes are no UTF-8 or numbers are out of range.

    Raises ValueError or RecursionError.
    """
    found = json.loads(value.decode("utf-8", "replace"), strict=False)
    # Halves of a surrogate pair stand in JSON as escapes, and could not be written again.
    return json.loads(_HALVES.sub("\ufffd", json.dumps(found, ensure_ascii=False)))


def readable(kind: type[T], found: Any, required: Mapping[str, Any]) -> T:
    """A dataclass from a JSON document, with all that can be read of it.

    A field that can't be read takes its default; of a list or a mapping only the elements that
    can't be read are missing. `required` has values for fields without a default. Raises
    msgspec.ValidationError if a field has neither.
    """
    return _dataclass(kind, found, required)  # type: ignore[no-any-return]


def _value(kind: Any, found: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return (
            None if found is None else _value(next(a for a in args if a is not type(None)), found)
        )
    if origin is list:
        return [one for each in _of(list, found) for one in _if_readable(args[0], each)]
    if origin is dict:
        items = _of(dict, found).items()
        keyed = [
            (key, one)
            for name, each in items
            for one in _if_readable(args[1], each)
            for key in _if_readable(args[0], name)
        ]
        return dict(keyed)
    if origin is tuple:
        parts = _of(list, found)
        if len(parts) != len(args):
            raise msgspec.ValidationError(f"expected {len(args)} elements, got {len(parts)}")
        return tuple(_value(arg, part) for arg, part in zip(args, parts, strict=True))
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, found, {})
    return _scalar(kind, found)


def _scalar(kind: Any, found: Any) -> Any:
    if isinstance(found, float) and not math.isfinite(found):
        raise msgspec.ValidationError("expected a finite number")
    elif isinstance(found, int) and abs(found) > INT_MAX:
        raise msgspec.ValidationError("expected a number of 64 bits")
    return msgspec.convert(found, kind)


def _dataclass(kind: Any, found: Any, required: Mapping[str, Any]) -> Any:
    given = _of(dict, found)
    values = dict(required)
    for name, of in _fields(kind):
        if name in given:
            for value in _if_readable(of, given[name]):
                values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise msgspec.ValidationError(str(error)) from None


def _if_readable(kind: Any, found: Any) -> list[Any]:
    """The value alone, or nothing."""
    try:
        return [_value(kind, found)]
    except UNREADABLE:
        return []


def _of(kind: type[T], found: Any) -> T:
    if not isinstance(found, kind):
        raise msgspec.ValidationError(f"expected {kind.__name__}, got {type(found).__name__}")
    return found


@lru_cache
def _fields(kind: Any) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(kind)]
