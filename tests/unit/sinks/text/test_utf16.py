"""Lengths in UTF-16 units."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.text.utf16 import cut_units, latest, shares, units

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts)
def test_units_are_those_of_utf_16(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2


@given(texts, st.integers(0, 50))
def test_a_cut_text_fits_and_shows_that_it_was_cut(text: str, limit: int) -> None:
    short = cut_units(text, limit)
    assert units(short) <= limit
    assert short == text or limit == 0 or short.endswith("…")


@given(st.lists(texts), st.integers(0, 200))
def test_shares_fit_together(many: list[str], limit: int) -> None:
    kept = shares(many, limit)
    assert len(kept) == len(many)
    assert sum(map(units, kept)) <= limit


def test_the_latest_lines_are_kept_and_the_gap_is_said() -> None:
    assert latest(["one", "two"], 8) == ["one", "two"]
    assert latest(["one", "two", "three"], 8) == ["… 2 earlier steps are not shown", "three"]
    assert latest([], 8) == []
