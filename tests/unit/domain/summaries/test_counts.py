"""Counts as bars: by the minute in the first hour, later by the window."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.incidents import incident, member

from ticketing.domain.summaries.counts import BARS, BARS_MAX, bars


def test_a_young_incident_is_shown_by_the_minute() -> None:
    alerts = [
        member("aa", minutes=[(960, 1), (1140, 7)]),
        member("bb", minutes=[(1140, 7), (1200, 2)]),
    ]
    shown = bars(incident(alerts=alerts, first_seen=970.0, last_seen=1210.0))
    assert shown == "▂▁▁█▂ a minute each from 1970-01-01 00:16:00 UTC, at most 14"


def test_an_older_one_is_shown_by_the_window() -> None:
    old: dict[str, Any] = {"first_seen": 0.0, "last_seen": 7200.0}
    minutes = [member("aa", minutes=[(0, 1), (60, 1)])]
    windows = [(0, 4), (900, 8), (3600, 1)]
    shown = bars(incident(alerts=minutes, windows=windows, **old))
    assert shown == "▅█▁▁▂ 15 minutes each from 1970-01-01 00:00:00 UTC, at most 8"


def test_every_window_has_its_bar_however_far_apart_they_are() -> None:
    shown = bars(incident(windows=[(0, 8), (1800, 8), (4500, 8)], first_seen=0.0, last_seen=5000.0))
    assert shown == "█▁█▁▁█ 15 minutes each from 1970-01-01 00:00:00 UTC, at most 8"


@pytest.mark.parametrize("windows", [[], [(900, 3)], [(900, 3), (900, 1)], [(0, 0), (60, 0)]])
def test_one_count_makes_no_picture(windows: list[tuple[int, int]]) -> None:
    assert bars(incident(windows=windows)) == ""


@given(
    st.lists(
        st.tuples(st.integers(-(2**53), 2**53), st.integers(-1, 2**53)), min_size=2, max_size=70
    )
)
def test_any_counts_make_at_most_an_hour_of_bars(windows: list[tuple[int, int]]) -> None:
    shown = bars(incident(windows=windows))
    row = shown.partition(" ")[0]
    assert len(row) <= BARS_MAX
    assert set(row) <= set(BARS)
