"""Event times: every record's own, or its arrival, whichever way they are asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ticketing.domain.alerts.event_times import UNREADABLE, EventTimes, Stated, believed

ARRIVED = 1_900_000_000.0
MILLISECONDS = 1_900_000_000_000
DATE = datetime.fromtimestamp(ARRIVED, timezone.utc)
NAIVE = DATE.replace(tzinfo=None)
EAST = DATE.astimezone(timezone(timedelta(hours=9)))

hours = st.integers(-23, 23).map(lambda n: timezone(timedelta(hours=n, minutes=59 if n > 0 else 0)))
dates = st.datetimes() | st.datetimes(timezones=hours)
near = st.floats(-1e5, 1e5).map(lambda seconds: DATE + timedelta(seconds=seconds))
numbers = st.floats(allow_nan=False) | st.floats(ARRIVED - 100, ARRIVED + 100)
columns = st.one_of(
    *(st.lists(kind, min_size=1, max_size=8) for kind in (near, near | dates, numbers)),
    st.lists(dates | near | numbers | st.none(), min_size=1, max_size=8),
)


@pytest.fixture(scope="module", autouse=True)
def elsewhere() -> Iterator[None]:
    """A machine whose own clock is not set to UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("stated", [DATE, NAIVE, EAST, ARRIVED])
def test_a_time_is_taken_as_it_is_meant(stated: Stated) -> None:
    times = EventTimes([stated], [MILLISECONDS + 5_000])
    assert (times.first, times.last, times.corrections) == (ARRIVED, ARRIVED, 0)


@pytest.mark.parametrize("stated", [0.0, UNREADABLE, 1e300, DATE + timedelta(days=2)])
def test_a_time_that_nobody_believes_is_corrected_and_counted(stated: Stated) -> None:
    times = EventTimes([DATE, stated, None], [MILLISECONDS] * 3)
    assert (list(times), times.corrections) == ([ARRIVED] * 3, 1)


@given(columns, st.integers(-100_000, 100_000))
@example([9.466848e20], 0)
def test_the_first_and_the_last_are_those_of_each_by_itself(
    stated: list[Stated], step: int
) -> None:
    milliseconds = [MILLISECONDS + step * number for number in range(len(stated))]
    arrivals = [arrival / 1000.0 for arrival in milliseconds]
    times = EventTimes(stated, milliseconds)
    alone = [believed(one, at) for one, at in zip(stated, arrivals, strict=True)]
    wanted = [at if found is None else found for found, at in zip(alone, arrivals, strict=True)]
    assert list(times) == [times[index] for index in range(len(stated))] == wanted
    assert (times.first, times.last) == (min(wanted), max(wanted))
    refused = [found is None and one is not None for found, one in zip(alone, stated, strict=True)]
    assert times.corrections == sum(refused)
