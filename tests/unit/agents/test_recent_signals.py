"""Signals that may page are told from those that only count."""

from __future__ import annotations

from support.alerts import anomalies

from agents.recent_signals import KNOWN_MAX, RECENT_SECONDS, RecentSignals
from ticketing.domain.severity import Severity


def test_an_alert_is_news_when_it_begins_and_after_a_silence() -> None:
    recent = RecentSignals()
    assert not recent.know(["a"], 10.0)
    assert recent.news([anomalies("a", 1)], 10.0)
    assert recent.know(["a"], 10.0 + RECENT_SECONDS)
    assert not recent.know(["a", "b"], 10.0)
    assert not recent.news([anomalies("a", 2)], 10.0 + RECENT_SECONDS)
    assert recent.news([anomalies("a", 3)], 10.1 + 2 * RECENT_SECONDS)


def test_a_higher_severity_is_news_and_a_lower_one_is_not() -> None:
    recent = RecentSignals()
    recent.news([anomalies("a", 1, severity=Severity.MEDIUM)], 1.0)
    assert recent.news([anomalies("a", 2, severity=Severity.CRITICAL)], 2.0)
    assert not recent.news([anomalies("a", 3, severity=Severity.MEDIUM)], 3.0)


def test_one_signal_with_news_among_counts_is_news() -> None:
    recent = RecentSignals()
    recent.news([anomalies("a", 1)], 1.0)
    assert recent.news([anomalies("b", 2), anomalies("a", 3)], 2.0)


def test_what_is_remembered_is_bounded_and_a_forgotten_alert_is_news() -> None:
    recent = RecentSignals()
    first = anomalies("a", 1)
    recent.news([first], 1.0)
    recent.news([anomalies(f"{number:x}-", 1) for number in range(KNOWN_MAX)], 1.0)
    assert recent.news([first], 1.0)
