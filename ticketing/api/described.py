"""The description of a route, beside its handler: what it takes, and what it answers.

The method, the path and the role are the route's own; the words are the docstring's. All of it is
shown by `ticketing.api.openapi`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ticketing.api.shapes import PROBLEM, Schema, choice, listing, shape

Handled = TypeVar("Handled", bound=Callable[..., Any])

JSON, PROBLEM_JSON = "application/json", "application/problem+json"
_MARK = "__operation__"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query, or a header of a request."""

    name: str
    meaning: str
    schema: Schema = field(default_factory=lambda: shape("text"))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status: its meaning, and its body if it has one."""

    meaning: str
    schema: Schema | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    """The meaning of each header that the answer bears."""


@dataclass(frozen=True, slots=True)
class Operation:
    """The description of a handler."""

    summary: str
    query: Sequence[Parameter] = ()
    headers: Sequence[Parameter] = ()
    body: Schema | None = None
    """Of a JSON object; None for a request without a body."""
    answers: Mapping[int, Answer] = field(default_factory=dict)
    """The answers beside those that any route may give."""


def described(
    *answers: tuple[int, Answer],
    query: Sequence[Parameter] = (),
    headers: Sequence[Parameter] = (),
    body: Schema | None = None,
    summary: str = "",
) -> Callable[[Handled], Handled]:
    """Describe a handler. Without a `summary` the docstring's words behind the path are it."""

    def describe(handler: Handled) -> Handled:
        words = summary or _words(handler)
        found = Operation(words, tuple(query), tuple(headers), body, dict(answers))
        setattr(handler, _MARK, found)
        return handler

    return describe


def operation_of(handler: Callable[..., Any]) -> Operation | None:
    """The description of a handler; None for one without."""
    found: Operation | None = getattr(handler, _MARK, None)
    return found


def ok(meaning: str, schema: Schema | None = None, **more: Any) -> tuple[int, Answer]:
    """200 with a body."""
    return 200, Answer(meaning, schema, **more)


def page_of(items: Schema) -> tuple[int, Answer]:
    """200 with a page of a list."""
    link = {"Link": 'where there is more: the address of the next page, `rel="next"`'}
    return 200, Answer("a page of the list", listing(items), headers=link)


def refused(status: int, meaning: str) -> tuple[int, Answer]:
    """A problem."""
    return status, Answer(meaning, PROBLEM, PROBLEM_JSON)


def several(name: str, meaning: str, values: Sequence[str] = ()) -> Parameter:
    """A parameter that may be repeated; of the values given, or of any text."""
    return Parameter(name, meaning, listing(choice(values) if values else shape("text")))


def _words(handler: Callable[..., Any]) -> str:
    """The first sentence of a docstring, without the method and the path before it."""
    text = " ".join(inspect.getdoc(handler).split("\n\n")[0].split())  # type: ignore[union-attr]
    words = re.sub(r"^[A-Z]+ /\S*(?: {[^}]*})?: ", "", text)
    return words[:1].upper() + words[1:]
