"""Records with every field set, built from their types, and the places of a kind in them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]
"""The way from a document's top to a value: keys and indexes."""


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass or a Struct with their types; nothing for any other type."""
    if not isinstance(kind, type):
        return {}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    if issubclass(kind, msgspec.Struct):
        return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    return {}


def reachable(*roots: Any) -> set[type]:
    """All classes that stand in the types of the roots, themselves included."""
    found: set[type] = set()

    def walk(kind: Any) -> None:
        for part in get_args(kind):
            walk(part)
        if get_origin(kind) is not None or not isinstance(kind, type) or kind in found:
            return
        found.add(kind)
        for inner in fields_of(kind).values():
            walk(inner)

    for root in roots:
        walk(root)
    return found


def whole(kind: Any) -> Any:
    """A value of a type with every field set, every list and mapping of one element."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return whole(next(arg for arg in args if arg is not type(None)))
    if origin is list:
        return [whole(args[0])]
    if origin is tuple:
        return tuple(whole(arg) for arg in args if arg is not Ellipsis)
    if origin is dict:
        return {whole(args[0]): whole(args[1])}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    fields = fields_of(kind)
    if fields or dataclasses.is_dataclass(kind):
        return kind(**{name: whole(inner) for name, inner in fields.items()})
    return {str: "text", int: 7, float: 7.5, bool: True, bytes: b"bytes"}.get(kind)


def branches(kind: Any) -> Iterator[Any]:
    """The types of a union, else the type alone."""
    if get_origin(kind) in (typing.Union, types.UnionType):
        yield from (arg for arg in get_args(kind) if arg is not type(None))
    else:
        yield kind


def places(kind: Any, wanted: type, path: Path = ()) -> Iterator[tuple[Path, type]]:
    """Every place of a subclass of `wanted` in the document of `whole(kind)`, with its class."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        yield from places(next(arg for arg in args if arg is not type(None)), wanted, path)
    elif origin in (list, tuple):
        for index, arg in enumerate(arg for arg in args if arg is not Ellipsis):
            yield from places(arg, wanted, (*path, index))
    elif origin is dict:
        yield from places(args[1], wanted, (*path, whole(args[0])))
    elif isinstance(kind, type) and issubclass(kind, wanted):
        yield path, kind
    else:
        for name, inner in fields_of(kind).items():
            yield from places(inner, wanted, (*path, name))


def replaced(document: Any, path: Path, value: Any) -> Any:
    """A copy of a JSON document with another value at a path."""
    if not path:
        return value
    head, *rest = path
    copy = list(document) if isinstance(document, list) else dict(document)
    copy[head] = replaced(copy[head], tuple(rest), value)  # type: ignore[index, call-overload]
    return copy


def at(document: Any, path: Path) -> Any:
    """The value at a path of a JSON document."""
    for key in path:
        document = document[key]
    return document
