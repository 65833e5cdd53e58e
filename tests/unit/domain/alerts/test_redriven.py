"""Offsets that were a dead letter count once, in any number of letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.alerts import anomalies

from ticketing.domain.alerts.redriven import (
    OFFSETS_MAX,
    RedrivenOffsets,
    redriven_key,
    with_offsets,
    without,
)
from ticketing.errors import BadRecord


@given(st.lists(st.sets(st.integers(0, 2**62), min_size=1, max_size=9), min_size=1, max_size=5))
def test_every_offset_is_taken_once(letters: list[set[int]]) -> None:
    known, taken = RedrivenOffsets(), []
    for letter in letters:
        low, *rest = sorted(letter)
        found = anomalies("aa", low, frames=rest)
        taken += [offset for part in without(found, known).counted() for offset in part]
        known = with_offsets(known, found)
    assert sorted(taken) == sorted(set().union(*letters)) == known.offsets


def test_a_letter_of_nothing_known_is_unchanged() -> None:
    found = anomalies("aa", 1)
    assert without(found, with_offsets(RedrivenOffsets(), anomalies("bb", 2))) is found


def test_no_more_offsets_than_a_row_holds() -> None:
    with pytest.raises(BadRecord, match="too_many_redriven"):
        with_offsets(RedrivenOffsets(), anomalies("aa", *range(OFFSETS_MAX + 1)))


def test_sources_have_offsets_of_their_own() -> None:
    assert redriven_key("id:0") != redriven_key("id:1")
