from __future__ import annotations

import pytest

from ticketing.wire.traces import event_time

MOMENT = 1_700_000_000.5


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9])
def test_a_number_is_a_time_in_the_unit_of_its_magnitude(unit: float) -> None:
    assert event_time(MOMENT * unit) == pytest.approx(MOMENT)


@pytest.mark.parametrize("number", [1e20, 1e308, float("inf")])
def test_a_number_beyond_all_units_is_no_time(number: float) -> None:
    assert event_time(number) is None
