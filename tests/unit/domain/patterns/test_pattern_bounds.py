"""Patterns take bounded time for any text: no expression can blow up, and work grows linearly."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from ticketing.domain.patterns import (
    codes,
    context,
    frames,
    host,
    masking,
    own_rules,
    reading,
    script_traces,
    scripts,
    shape,
    stacktrace,
    trace,
    values_only,
    word,
)
from ticketing.domain.patterns.pattern import Patterns

try:
    from re import _parser as sre  # type: ignore[attr-defined,unused-ignore]
except ImportError:
    import sre_parse as sre  # type: ignore[no-redef,unused-ignore]

EXPRESSIONS = [
    pytest.param(value, id=f"{module.__name__.rsplit('.', 1)[-1]}{name}")
    for module in (
        codes,
        context,
        frames,
        host,
        masking,
        own_rules,
        reading,
        script_traces,
        scripts,
        shape,
        stacktrace,
        trace,
        values_only,
        word,
    )
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
]
PIECES = ["a", "=", '"', "'", "/", "1.", ":", "@.", "a=[", "=", "(", "a:b ", "x=y ", '{"a":1},']
PIECES += ["\n\tat a.b(c)", "user ", "5 s ", "Jan 1 ", "http://a ", "<*> ", "a-", "\\", "<", "- "]


def nested_repeats(tree: Any, inside: bool = False) -> bool:
    """Whether an unbounded repeat holds another one: what makes backtracking exponential."""
    found = False
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            unbounded = argument[1] is sre.MAXREPEAT
            found |= (unbounded and inside) or nested_repeats(argument[2], inside or unbounded)
        elif name == "SUBPATTERN":
            found |= nested_repeats(argument[-1], inside)
        elif name == "BRANCH":
            found |= any(nested_repeats(branch, inside) for branch in argument[1])
        elif name in ("ASSERT", "ASSERT_NOT"):
            found |= nested_repeats(argument[1], inside)
    return found


def test_the_search_for_nested_repeats_finds_them() -> None:
    assert nested_repeats(sre.parse("(?:a+b?)+c"))
    assert nested_repeats(sre.parse("(x|(?:a*)*)"))
    assert not nested_repeats(sre.parse("(?:a{1,9}b)+c+"))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_expression_repeats_a_repeat(expression: re.Pattern[str]) -> None:
    assert not nested_repeats(sre.parse(expression.pattern, expression.flags & ~re.UNICODE))


def calls(text: str) -> int:
    """How many calls, of Python and of C, finding the pattern takes."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    patterns = Patterns()
    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        patterns.of(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("piece", PIECES)
def test_twice_the_text_takes_about_twice_the_steps(piece: str) -> None:
    small, large = (calls(piece * (chars // len(piece))) for chars in (950, 1_900))
    assert large <= 2.5 * small + 100


@pytest.mark.parametrize("piece", PIECES)
def test_what_lies_beyond_the_bounds_costs_nothing(piece: str) -> None:
    small, large = (calls(piece * (chars // len(piece))) for chars in (200_000, 2_000_000))
    assert large <= 1.1 * small + 100
