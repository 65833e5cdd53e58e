"""A step counts as told only where a comment has its whole line."""

from __future__ import annotations

import pytest

from sinks.text.comment import comment, has_line
from ticketing.domain.incidents.incident import Step, StepKind


def said(text: str) -> Step:
    return Step(seq=1, at=1_700_000_000.0, kind=StepKind.COMMENT, text=text, by="ada")


def test_a_step_is_not_taken_for_told_by_a_longer_one_of_the_same_second() -> None:
    short, long = said("rolled back"), said("rolled back the payment service")
    told = comment([long], [], 1000)
    assert comment([short], [told], 1000) == comment([short], [], 1000)
    assert comment([short, long], [f"before\n{told}\nafter"], 1000) == comment([short], [], 1000)
    assert comment([long], [told], 1000) == ""


@pytest.mark.parametrize(
    "text", ["a line", "first\na line \r\nnext", "<p>a line</p>", "a line<br>next", "* a line\n"]
)
def test_a_line_is_found_within_a_platforms_mark_up(text: str) -> None:
    assert has_line(text, "a line")


@pytest.mark.parametrize("text", ["", "a line that goes on", "a lin"])
def test_another_line_is_not(text: str) -> None:
    assert not has_line(text, "a line")
