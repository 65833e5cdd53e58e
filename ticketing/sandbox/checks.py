"""Rules of which each platform builds the rules of its requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One reason to refuse a request: the place, and the reason in words."""

    at: Path
    text: str

    @property
    def dotted(self) -> str:
        """The place as `payload.links.0.href`."""
        return ".".join(str(part) for part in self.at)

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return "".join(f"/{part}" for part in self.at)


class Check(Protocol):
    """A rule: yields the problems of a value, none if the value is acceptable."""

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """The problems of the value at the place `at`."""
        ...


@dataclass(frozen=True)
class Anything:
    """Accepts every value."""

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """No problem."""
        return iter(())


@dataclass(frozen=True)
class Text:
    """A string; lengths are in code points."""

    max: int | None = None
    min: int = 0
    choices: tuple[str, ...] = ()
    pattern: str = ""

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """Problems of type, length, choice and form."""
        if not isinstance(value, str):
            yield Problem(at, "must be a string")
        elif len(value) < self.min:
            yield Problem(at, f"must be at least {self.min} characters")
        elif self.max is not None and len(value) > self.max:
            yield Problem(at, f"must be at most {self.max} characters")
        elif self.choices and value not in self.choices:
            quoted = ", ".join(f"'{choice}'" for choice in self.choices)
            yield Problem(at, f"must be one of the following: {quoted}")
        elif self.pattern and not re.fullmatch(self.pattern, value):
            yield Problem(at, "is malformed")


@dataclass(frozen=True)
class Number:
    """A number, never a boolean; `whole` refuses fractions."""

    min: float | None = None
    max: float | None = None
    whole: bool = False

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """Problems of type and range."""
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            yield Problem(at, "must be a number")
        elif self.min is not None and value < self.min:
            yield Problem(at, f"must be at least {self.min:g}")
        elif self.max is not None and value > self.max:
            yield Problem(at, f"must be at most {self.max:g}")


@dataclass(frozen=True)
class Flag:
    """A boolean."""

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """A problem of type."""
        if not isinstance(value, bool):
            yield Problem(at, "must be a boolean")


@dataclass(frozen=True)
class ListOf:
    """A list of `item`, of bounded length."""

    item: Check = field(default_factory=Anything)
    max: int | None = None
    min: int = 0

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """Problems of type, number of items, and each item."""
        if not isinstance(value, list):
            yield Problem(at, "must be an array")
            return
        if len(value) < self.min:
            yield Problem(at, f"must have at least {self.min} items")
        if self.max is not None and len(value) > self.max:
            yield Problem(at, f"must have at most {self.max} items")
        for index, item in enumerate(value):
            yield from self.item.problems(item, (*at, index))


@dataclass(frozen=True)
class Record:
    """An object; with `closed`, other fields are refused."""

    fields: Mapping[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    closed: bool = False

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """Problems of type, missing and unknown fields, and each field."""
        if not isinstance(value, dict):
            yield Problem(at, "must be an object")
            return
        for name in self.required:
            if value.get(name) in (None, ""):
                yield Problem((*at, name), "is missing or blank")
        for name, item in value.items():
            check = self.fields.get(name)
            if check is None and self.closed:
                yield Problem((*at, name), "is not a known field")
            elif check is not None and not (item in (None, "") and name in self.required):
                yield from check.problems(item, (*at, name))


@dataclass(frozen=True)
class MapOf:
    """An object with any names, whose values obey one rule."""

    value: Check = field(default_factory=Anything)
    chars_max: int | None = None

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """Problems of type, total size of names and values, and each value."""
        if not isinstance(value, dict):
            yield Problem(at, "must be an object")
            return
        for name, item in value.items():
            yield from self.value.problems(item, (*at, name))
        size = sum(len(name) + len(str(item)) for name, item in value.items())
        if self.chars_max is not None and size > self.chars_max:
            yield Problem(at, f"must be at most {self.chars_max} characters in all")


@dataclass(frozen=True)
class Either:
    """A value that one of the rules accepts; otherwise the last rule's problems hold."""

    checks: tuple[Check, ...]

    def problems(self, value: Any, at: Path = ()) -> Iterator[Problem]:
        """The problems by the last rule, none if any rule accepts the value."""
        found: list[Problem] = []
        for check in self.checks:
            found = list(check.problems(value, at))
            if not found:
                return
        yield from found
