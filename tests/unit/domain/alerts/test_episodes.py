"""The life of an alert: its order of states, its deadlines, its ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from support.alerts import START, alert_policy_with, anomalies

from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.alerts.episodes import (
    counted,
    due,
    is_over,
    is_silent,
    next_due,
    quietened,
    stepped,
    was_sent,
)
from ticketing.domain.alerts.policy import AlertPolicy
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.wire.alerts import encode_alert

POLICY = alert_policy_with(quiet_after=900.0, retention=86_400.0)
HOUR = 3_600.0


def at(
    now: float, known: Alert | None = None, policy: AlertPolicy = POLICY, **changes: Any
) -> Alert:
    found = anomalies("aa", 1, at=now, **changes)
    return counted(known, found, fresh_above(found, -1), now, policy)


def test_every_change_is_a_later_state() -> None:
    states = [at(START)]
    states.append(at(START + 1, states[-1]))
    states.append(due(states[-1], START + 9))
    states.append(quietened(states[-1], START + 1_000))
    # The broker's clock may have been set back.
    states.append(at(START - HOUR, states[-1]))
    versions = [state.version for state in states]
    assert versions == sorted(set(versions))
    assert all(was_sent(a, b) for a, b in pairwise(states[1:]))
    assert was_sent(None, states[0])
    assert not was_sent(states[0], states[1])


def test_nothing_grows_from_episode_to_episode() -> None:
    alert, sizes, episodes = None, [], set()
    for number in range(300):
        now = START + number * 2 * HOUR
        found = {
            "trace_ids": [f"{number:032x}"],
            "endpoints": [f"/{number:04}"],
            "affected_services": [f"service-{number:04}"],
        }
        alert = quietened(at(now, alert, **found), now + 1_000)
        sizes.append(len(encode_alert(alert)))
        episodes.add(alert.episode)
    assert len(episodes) == 300
    # Numbers get more digits.
    assert max(sizes[100:]) < sizes[100] + 20


def test_counts_wait_and_are_sent_once() -> None:
    first = at(START)
    second = at(START + 5, first)
    third = at(START + 5.5, second)
    assert (first.send_at, second.send_at, third.send_at) == (None, START + 6, START + 6)
    assert due(third, START + 5.9) is third
    sent = due(third, START + 6)
    assert (sent.send_at, sent.sent, sent.count) == (None, 2, 3)


def test_a_rise_is_sent_at_once_and_a_fall_never_comes() -> None:
    first = at(START)
    rise = at(START + 5, first, severity=Severity.CRITICAL)
    assert was_sent(first, rise)
    low = at(START + 6, rise, severity=Severity.LOW)
    assert low.severity is Severity.CRITICAL


@pytest.mark.parametrize("quiet", [None, START + 899.9])
def test_an_alert_fires_until_the_quiet_clock_has_passed(quiet: float | None) -> None:
    alert = at(START)
    assert not is_silent(alert, quiet, POLICY)
    assert is_silent(alert, START + 900, POLICY)
    assert not is_silent(quietened(alert, START + 900), START + HOUR, POLICY)


def test_a_state_of_another_release_fires() -> None:
    alert = replace(at(START), state=AlertState("smouldering"))
    assert is_silent(alert, START + 900, POLICY)
    assert at(START + 1, alert).count == 2


def test_no_deadline_is_further_off_than_its_own_length() -> None:
    ahead = at(START + HOUR)
    waiting = at(START + HOUR, ahead)
    quiet = quietened(waiting, START + HOUR)
    assert next_due(ahead, START, POLICY) == START + 900
    assert next_due(waiting, START, POLICY) <= START + 60
    assert next_due(quiet, START, POLICY) == START + 86_400


@pytest.mark.parametrize("longest", [1.0, 60.0])
def test_counts_wait_ever_longer_up_to_the_bound(longest: float) -> None:
    policy = alert_policy_with(quiet_after=900.0, counts_every=longest)
    alert, now, waits = at(START, policy=policy), START, []
    for _ in range(9):
        alert = at(now, alert, policy=policy)
        assert alert.send_at is not None
        waits.append(alert.send_at - now)
        now = alert.send_at
        alert = due(alert, now)
    assert waits == [min(2.0**number, longest) for number in range(9)]


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_every_deadline_steps_with_the_clock(by: float) -> None:
    waiting = at(START + 5, at(START))
    quiet = quietened(waiting, START + 1_000)
    for alert, now in ((waiting, START + 5), (quiet, START + 1_000)):
        moved = stepped(alert, by)
        assert next_due(moved, now + by, POLICY) == next_due(alert, now, POLICY) + by
        assert moved.version > alert.version
        assert (moved.count, moved.first_seen) == (alert.count, alert.first_seen)


def test_a_quiet_alert_is_over_after_retention() -> None:
    alert = at(START)
    quiet = quietened(alert, START)
    assert not is_over(alert, START + 1e6, POLICY)
    assert not is_over(quiet, START + 86_399, POLICY)
    assert is_over(quiet, START + 86_400, POLICY)


def test_the_configuration_that_decided_is_kept() -> None:
    policy = alert_policy_with(config="ab12")

    def after(before: Alert | None, offset: int, judged: str) -> Alert:
        found = anomalies("aa", offset, config=judged)
        return counted(before, found, fresh_above(found, -1), START, policy)

    first = after(None, 1, "c1")
    assert (first.config, first.judged) == ("ab12", "c1")
    assert after(first, 2, "c2").judged == "c2", "of the latest anomalies"


def test_an_event_is_expected_after_the_usual_delay_and_no_later_than_it_arrived() -> None:
    first = at(START, last_seen=START - 30)
    assert (first.delay, first.expected_at) == (30.0, START)
    old = at(START + 100, first, last_seen=START - 500)
    assert old.expected_at == START, "an old line moves nothing back"
    ahead = at(START + 200, old, last_seen=START + HOUR)
    assert ahead.expected_at == START + 200, "a clock that is ahead"
    assert ahead.last_seen == START + HOUR
    again = at(START + 300, quietened(ahead, START + 250), last_seen=START - 400)
    assert again.expected_at < START, "of the next episode alone"


def test_an_alert_keeps_its_scope_for_as_long_as_its_incident_may_come_back() -> None:
    kept = replace(POLICY, scope_kept=5 * HOUR)
    moved = replace(kept, scope_by="tenant")
    first = at(START, policy=kept)
    own = scope_of(first.tenant, first.environment)
    assert first.scope == own
    assert at(START + 1, first, moved).scope == own
    silent = quietened(first, START + HOUR)
    assert at(START + 6 * HOUR - 1, silent, moved).scope == own
    assert at(START + 6 * HOUR, silent, moved).scope == scope_of(first.tenant, "", "tenant") != own
    unknown = replace(first, scope="")
    assert at(START + 1, unknown, moved).scope == scope_of(first.tenant, "", "tenant")
