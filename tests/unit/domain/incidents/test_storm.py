"""A storm's guard is bounded, and no limit is higher than what its guard remembers."""

from __future__ import annotations

from ticketing.domain.incidents.storm import ADMITTED_MAX, Guard, admitting, lately

from tables.incidents import encode
from ticketing.config import Config
from ticketing.config.policy import policy


def test_a_guard_forgets_the_first_admissions_where_there_are_too_many() -> None:
    guard = Guard()
    for number in range(ADMITTED_MAX + 10):
        guard = admitting(guard, f"{number:016x}-15-{10**9 + number}", 1.0, number, 600.0)
    assert next(iter(guard.admitted)).startswith(f"{10:016x}-")
    assert lately(guard, 1.0, 10**9, 600.0) == ADMITTED_MAX
    assert len(encode(guard)) < 200_000


def test_a_higher_limit_than_a_guard_remembers_is_that_of_the_guard() -> None:
    limits = {"maxPatternsPerService": 10**9, "maxPagesPerMinute": 10**9}
    found = policy(Config.model_validate({"storm": limits}))
    assert found.max_patterns_per_service == found.max_pages_per_minute == ADMITTED_MAX
