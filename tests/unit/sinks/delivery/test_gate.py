"""Circuits: when a platform, or one account of it, is left alone, and how it is tried again."""

from __future__ import annotations

import pytest

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Delivered, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.delivery.gate import Gate, Gates

DOWN = Unknown(Reason.SERVER_ERROR, True)
UP = Delivered(external_id="T")


def gate(failures: int = 3) -> Gate:
    return Gate(failures_to_close=failures, backoff=Backoff(first=2.0, cap=60.0, floor=1.0))


def closed(now: float = 0.0) -> Gate:
    made = gate()
    for _ in range(3):
        assert made.admits(now)
        made.record(DOWN, now)
    return made


def test_failures_in_a_row_close_it() -> None:
    made = gate()
    for outcome in (DOWN, DOWN, UP, DOWN, DOWN):
        made.record(outcome, 0.0)
    assert made.admits(0.0), "an answer in between starts the count afresh"
    made.record(DOWN, 0.0)
    assert not made.admits(0.0)


@pytest.mark.parametrize("answer", [UP, Refused(Reason.INVALID)])
def test_one_probe_goes_first_and_an_answer_opens_it_wide(answer: Outcome) -> None:
    made = closed()
    now = made.opens_at
    assert made.admits(now)
    assert not made.admits(now), "only one probe at a time"
    made.record(answer, now)
    assert made.admits(now)
    assert made.admits(now)


def test_a_failed_probe_doubles_the_wait_up_to_a_bound() -> None:
    made, now, waits = closed(), 0.0, []
    for _ in range(12):
        now = made.opens_at
        assert made.admits(now)
        made.record(DOWN, now)
        waits.append(made.opens_at - now)
    assert all(1.0 <= wait <= 60.0 for wait in waits)
    assert max(waits) > 8.0


def test_a_probe_that_never_comes_back_is_replaced() -> None:
    made = closed()
    assert made.admits(made.opens_at)
    assert not made.admits(made.opens_at + 29.0)
    assert made.admits(made.opens_at + 31.0)


def test_what_was_under_way_when_it_closed_does_not_lengthen_the_wait() -> None:
    made = closed()
    opens_at = made.opens_at
    for _ in range(50):
        made.record(DOWN, 0.0)
    assert made.opens_at == opens_at


def test_a_success_does_not_shorten_a_requested_wait() -> None:
    made = gate()
    made.record(Unknown(Reason.SERVER_ERROR, True, 30.0), 0.0)
    made.record(UP, 1.0)
    assert not made.admits(29.0)
    assert made.admits(30.0)


@pytest.mark.parametrize("reason", [Reason.NOT_SENT, Reason.NO_ROOM])
def test_what_was_not_sent_says_nothing_about_the_platform(reason: Reason) -> None:
    made = gate()
    for _ in range(9):
        made.record(RetryAfter(reason), 0.0)
    assert made.admits(0.0)


def test_a_rate_limit_holds_back_its_own_account_only() -> None:
    gates = Gates(gate())
    gates.record("low", RetryAfter(Reason.RATE_LIMITED, 30.0), 0.0)
    assert not gates.admits("low", 29.0)
    assert gates.admits("critical", 0.0)
    assert gates.admits("low", gates.opens_at("low"))
    assert not gates.admits("low", gates.opens_at("low")), "one probe at a time"
    gates.record("low", UP, 31.0)
    assert gates.admits("low", gates.opens_at("low"))


def test_no_room_holds_an_account_without_a_probe() -> None:
    gates = Gates(gate())
    gates.record("a", RetryAfter(Reason.NO_ROOM, 2.0), 0.0)
    assert not gates.admits("a", 1.9)
    assert gates.admits("a", 2.0)
    assert gates.admits("a", 2.0)


def test_a_platform_that_is_down_is_down_for_every_account() -> None:
    gates = Gates(gate())
    for account in ("a", "b", "c"):
        gates.record(account, DOWN, 0.0)
    assert gates.probing
    assert not gates.admits("d", 0.0)


def test_a_refused_account_does_not_use_up_the_platforms_probe() -> None:
    gates = Gates(closed())
    gates.record("a", RetryAfter(Reason.NO_ROOM, 99.0), 0.0)
    now = gates.opens_at("b")
    assert not gates.admits("a", now)
    assert gates.admits("b", now)


def test_a_platforms_circuit_knows_since_when_and_why_it_lets_probes_alone_through() -> None:
    platform = gate()
    gates = Gates(platform)
    for now in (10.0, 11.0):
        gates.record("a", DOWN, now)
    assert gates.closed is None
    gates.record("a", DOWN, 12.0)
    assert gates.closed == (12.0, "server_error")
    gates.record("a", Unknown(Reason.TIMEOUT, True), platform.opens_at)
    assert gates.closed == (12.0, "server_error"), "a failed probe is no new beginning"
    gates.record("a", UP, platform.opens_at)
    assert gates.closed is None
