"""The weight of evidence."""

from __future__ import annotations

from ticketing.domain.evidence.likelihood import ranked, strength
from ticketing.domain.evidence.signs import Evidence, Sign


def test_more_cases_of_the_same_rate_are_stronger_evidence() -> None:
    assert strength(1, 1, 0, 10) < strength(10, 10, 0, 10) < strength(10, 10, 0, 1000)
    assert strength(1e6, 1e6, 0, 1e6) <= 40.0
    assert strength(5, 10, 50, 100) == 0.0
    assert strength(0, 10, 0, 10) == 0.0


def test_the_same_fault_seen_in_many_operations_counts_less_each_time() -> None:
    once = Evidence("a", Sign.ERRORS, (), 10.0, "", [])
    assert ranked([once])["a"] < ranked([once] * 3)["a"] < 30.0
