"""Durations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.config.values import duration_text, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15m", 900), ("1h30m", 5400), ("500ms", 0.5), ("2d", 172800), ("90", 90), (1.5, 1.5)],
)
def test_durations_are_seconds(text: Any, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "m", "15 parsecs", "1e3", "-1s", True, None, [], "1m-1s"])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)


@given(st.integers(min_value=0, max_value=10**8), st.integers(min_value=0, max_value=999))
def test_a_duration_survives_being_written(whole: int, milliseconds: int) -> None:
    value = whole + milliseconds / 1000 if whole < 10**6 else float(whole)
    assert seconds(duration_text(value)) == pytest.approx(value, rel=1e-5)


@given(st.text(max_size=40))
def test_text_is_a_duration_or_refused_with_words(text: str) -> None:
    refusal = ""
    value = -1.0
    try:
        value = seconds(text)
    except ValueError as error:
        refusal = str(error)
    assert value >= 0 or refusal.startswith("must be")
