"""Several bodies packed into one message: a JSON list of elements with exactly one field each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from ticketing.errors import BadRecord

B = TypeVar("B")

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Errors of a decoder for bytes that it can't read."""


@dataclass(slots=True)
class Packed(Generic[B]):
    """A message as read: its readable bodies, each with its place, and the others."""

    value: bytes
    bodies: list[tuple[int, B]] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """The place of each unreadable element, and the reason."""

    def alone(self, place: int) -> bytes:
        """One element of the message, unchanged, as a message of its own."""
        return b"[%b]" % elements(self.value)[place]


class Packing(Generic[B]):
    """The messages of one topic: the kinds of their bodies by the name of the field."""

    def __init__(self, name: str, kinds: dict[str, Any], admitted: Callable[[B], B]) -> None:
        """`name` is the element's in errors; `admitted` cleans and bounds a body, or refuses it."""
        self._names = {kind: field for field, kind in kinds.items()}
        fields = [(field, kind | None, None) for field, kind in kinds.items()]
        element = msgspec.defstruct(name, fields, omit_defaults=True)
        self._name = name
        self._admitted = admitted
        self._encoder = msgspec.json.Encoder()
        self._all: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[element])  # type: ignore[valid-type]
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(element)

    def kind_of(self, body: B) -> str:
        """The name of a body's kind, as in the message."""
        return self._names[type(body)]

    def encode(self, bodies: Iterable[B]) -> bytes:
        """Bodies packed into one message."""
        return self._encoder.encode([{self.kind_of(body): body} for body in bodies])

    def decode(self, value: bytes) -> list[B]:
        """The reverse of encode; raises msgspec.DecodeError or ValidationError."""
        return [self._body(element) for element in self._all.decode(value)]

    def read(self, value: bytes) -> Packed[B]:
        """The bodies of a message, clean and bounded; one that can't be read or kept hides no other.

        Raises BadRecord for a message that is no list.
        """
        packed: Packed[B] = Packed(value)
        try:
            packed.bodies = [
                (place, self._admitted(body)) for place, body in enumerate(self.decode(value))
            ]
            return packed
        except (BadRecord, *UNREADABLE) as error:
            found = elements(value)
            if not found:
                raise BadRecord("undecodable", str(error)) from error
        for place, element in enumerate(found):
            try:
                body = self._admitted(self._body(self._one.decode(element)))
            except (BadRecord, *UNREADABLE) as error:
                packed.unreadable.append((place, f"{type(error).__name__}: {error}"))
            else:
                packed.bodies.append((place, body))
        return packed

    def _body(self, element: Any) -> B:
        """The one field that is set."""
        for name in element.__struct_fields__:
            value = getattr(element, name)
            if value is not None:
                return value  # type: ignore[no-any-return]
        raise msgspec.ValidationError(f"the {self._name} has no body")


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def elements(value: bytes) -> list[bytes]:
    """The elements of a JSON list as they stand, valid or not, however deep; empty for no list."""
    text = value.strip()
    if text[:1] != b"[" or text[-1:] != b"]":
        return []
    found: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth <= 0 and token.end() != len(text):
                return []
        elif mark == b"," and depth == 1:
            found.append(text[start : token.start()].strip())
            start = token.end()
    if depth != 0:
        return []
    found.append(text[start:-1].strip())
    return [] if found == [b""] else found
