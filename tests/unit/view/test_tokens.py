"""The tokens of a text: each part of a word that somebody may look for is one, or covered by some."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.view.tokens import expression, folded, tag, tokens


def test_a_word_is_cut_into_runs_of_three() -> None:
    assert tokens("ops-17 db") == ["ops", "ps-", "s-1", "-17", "db"]


def test_a_script_without_spaces_has_its_characters_and_pairs_too() -> None:
    assert set(tokens("连接超时")) == {
        "连接超",
        "接超时",
        "连",
        "接",
        "超",
        "时",
        "连接",
        "接超",
        "超时",
    }


def test_what_is_looked_for_takes_the_fewest_tokens() -> None:
    assert expression(["timeouts"], []) == '"tim" AND "eou" AND "uts"'
    assert expression(["db", "超时"], []) == '"db" AND "超时"'
    assert expression(['a"b'], []) == '"a""b"'


def test_filters_are_tokens_that_no_text_has() -> None:
    assert len(tag("status:open")) > 3
    assert expression([], [["a", "b"]]) == f'("{tag("a")}" OR "{tag("b")}")'
    assert tag("tenant:a") != tag("service:a")


@given(text=st.text(max_size=40), at=st.integers(0, 39), length=st.integers(3, 9))
def test_every_part_of_a_word_is_covered_by_tokens_of_the_text(
    text: str, at: int, length: int
) -> None:
    known = set(tokens(folded(text)))
    for word in folded(text).split():
        part = word[at % len(word) :][:length]
        if len(part) >= 3 or len(part) == len(word):
            wanted = expression([part], []).replace('""', '"')
            assert set(wanted[1:-1].split('" AND "')) <= known


@pytest.mark.parametrize(("text", "same"), [("STRASSE", "straße"), ("Ä", "ä"), ("a\0b", "a b")])
def test_case_and_nul_make_no_difference(text: str, same: str) -> None:
    assert folded(text) == folded(same)
