"""Figures of a period: the index's sums are those of a plain computation over all incidents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.view.test_index import AT, entry, id_of
from ticketing.view.index import Entry, Index
from ticketing.view.statistics import Bucket, Cell, Period, by, figures, per_day

DAYS = 86_400.0
TIMES = st.integers(0, 40 * 24).map(lambda hours: AT + hours * 3_600.0 + 0.25)
LATER = st.none() | st.integers(1, 9_000).map(float)


@st.composite
def measured(draw: Any) -> Entry:
    """An incident that was paged, acknowledged and resolved, or not."""
    opened = draw(TIMES)
    seen, ended = draw(LATER), draw(LATER)
    return entry(
        opened=opened,
        acknowledged=None if seen is None else opened + seen,
        resolved=None if ended is None else opened + ended,
        anomalies=draw(st.integers(0, 10**6)),
        pages=[opened + after for after in draw(st.lists(st.integers(0, 10**6), max_size=3))],
        people=draw(st.lists(st.sampled_from(["ada", "bob", "cy"]), max_size=2, unique=True)),
        service=draw(st.sampled_from(["cart", "checkout"])),
        severity=draw(st.sampled_from(["critical", "low"])),
        tenant=draw(st.sampled_from(["a", "b"])),
    )


PERIODS = st.builds(
    Period,
    since=TIMES,
    until=TIMES,
    bucket=st.sampled_from(list(Bucket)),
    services=st.sampled_from([(), ("cart",), ("cart", "x")]),
    severities=st.sampled_from([(), ("low",)]),
    tenants=st.sampled_from([None, ("a",), ("a", "b"), ("c",)]),
)


def plainly(entries: list[Entry], period: Period) -> dict[str, Any]:
    """The figures by a look at every incident."""
    known = [
        one
        for one in entries
        if (not period.services or one.service in period.services)
        and (not period.severities or one.severity in period.severities)
        and (period.tenants is None or one.tenant in period.tenants)
    ]
    opened = [one for one in known if period.since <= one.opened < period.until]
    seen = [one.acknowledged - one.opened for one in opened if one.acknowledged is not None]
    ended = [one.resolved - one.opened for one in opened if one.resolved is not None]
    pages = sum(period.since <= at < period.until for one in known for at in one.pages)
    anomalies = sum(one.anomalies for one in opened)
    return {
        "incidents": len(opened),
        "anomalies": anomalies,
        "pages": pages,
        "noiseReduction": round(anomalies / pages, 3) if pages else None,
        "acknowledged": len(seen),
        "mttaSeconds": round(sum(seen) / len(seen), 3) if seen else None,
        "resolved": len(ended),
        "mttrSeconds": round(sum(ended) / len(ended), 3) if ended else None,
    }


def close_to(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found == {
        name: value if value is None else pytest.approx(value, abs=0.0011)
        for name, value in expected.items()
    }


@settings(max_examples=100, deadline=None)
@given(entries=st.lists(measured(), max_size=12), period=PERIODS)
def test_figures_are_those_of_a_look_at_every_incident(
    entries: list[Entry], period: Period
) -> None:
    index = Index()
    index.apply([(id_of(number), one) for number, one in enumerate(entries)])
    found = index.measured(period)
    close_to(figures(found.cells), plainly(entries, period))
    for service, cells in by(found.cells, lambda cell: cell.service).items():
        close_to(figures(cells), plainly(entries, replace(period, services=(service,))))
    starts = by(found.cells, lambda cell: cell.start)
    assert set(starts) <= set(period.bucket.starts(period.since, period.until))
    for start, cells in starts.items():
        part = replace(
            period,
            since=max(period.since, start),
            until=min(period.until, start + period.bucket.seconds),
        )
        close_to(figures(cells), plainly(entries, part))
    named = [
        name
        for one in entries
        if plainly([one], period)["pages"]
        for name in one.people * plainly([one], period)["pages"]
    ]
    assert found.people == {name: named.count(name) for name in named}
    index.close()


def test_parts_of_a_time_are_those_of_utc() -> None:
    monday = 1_899_417_600.0
    assert Bucket.WEEK.start_of(monday) == monday
    assert Bucket.WEEK.start_of(monday - 1) == monday - 7 * DAYS
    assert Bucket.DAY.starts(monday + 1, monday + DAYS) == [monday]
    assert Bucket.DAY.starts(monday, monday + DAYS + 1) == [monday, monday + DAYS]
    assert Bucket.HOUR.starts(monday, monday) == []


def test_a_mean_of_nothing_is_none() -> None:
    nothing = figures([Cell(0.0, "cart", "low")])
    assert nothing["mttaSeconds"] is nothing["mttrSeconds"] is nothing["noiseReduction"] is None


def test_a_number_a_day() -> None:
    period = Period(since=AT, until=AT + 2 * DAYS, bucket=Bucket.DAY)
    assert per_day(5, period) == 2.5
