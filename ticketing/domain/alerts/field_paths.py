"""The way to a field in a decoded record: objects in objects, dotted keys, lists of attributes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

NAMES_CACHED = 4_096
"""More than the names of all presets; own ones are few."""
HOMES_DEPTH = 1
"""OTLP's lists of attributes stand in the record and in its resource."""
DEPTH_MAX = 8
"""Levels of OTLP's values that are unwrapped: no attribute of a known library nests deeper."""
_SCALARS = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")
_KINDS = frozenset({*_SCALARS, "arrayValue", "kvlistValue"})


@lru_cache(NAMES_CACHED)
def splits(name: str) -> tuple[tuple[str, str], ...]:
    """A name as key and rest, the longest key first: `a.b` as (`a.b`, ``) and (`a`, `b`)."""
    parts = name.split(".")
    return tuple((".".join(parts[:n]), ".".join(parts[n:])) for n in range(len(parts), 0, -1))


def opened(value: Any, depth: int = HOMES_DEPTH) -> Any:
    """A decoded value with its lists of attributes as objects, so that each is looked through once."""
    if isinstance(value, list):
        first = value[0] if value else None
        return _attributes(value) if isinstance(first, dict) and "key" in first else value
    if depth and isinstance(value, dict):
        attributes = value.get("attributes")
        if isinstance(attributes, list):
            return {**value, "attributes": opened(attributes, depth - 1)}
    return value


def found(value: Any, name: str) -> Any:
    """The value at a dotted name, with dots as steps or as parts of keys; None if there is none.

    A list of OTLP's attributes, `{"key": ..., "value": ...}`, is read as an object.
    """
    if not name:
        return plain(value)
    if isinstance(value, list):
        value = _attributes(value)
    if not isinstance(value, dict):
        return None
    if name in value:
        return plain(value[name])
    if "kvlistValue" in value:
        return found(plain(value), name)
    for key, rest in splits(name)[1:]:
        if key in value:
            below = found(value[key], rest)
            if below is not None:
                return below
    return None


def plain(value: Any, depth: int = DEPTH_MAX) -> Any:
    """A value without OTLP's wrapping: `{"stringValue": "x"}` is `x`; any other as it is."""
    if not isinstance(value, dict) or len(value) != 1 or depth == 0:
        return value
    ((kind, inner),) = value.items()
    if kind not in _KINDS:
        return value
    if kind in _SCALARS:
        return inner
    values = inner.get("values", []) if isinstance(inner, dict) else inner
    if not isinstance(values, list):
        return value
    if kind == "arrayValue":
        return [plain(one, depth - 1) for one in values]
    return {key: plain(one, depth - 1) for key, one in _attributes(values).items()}


def _attributes(values: list[Any]) -> dict[str, Any]:
    """A list of keys with values as an object; the first of equal keys counts."""
    read: dict[str, Any] = {}
    for one in values:
        if isinstance(one, dict) and isinstance(one.get("key"), str):
            read.setdefault(one["key"], one.get("value"))
    return read
