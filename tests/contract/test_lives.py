"""Every platform keeps one ticket true through an incident's whole life, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.contract import Desk
from support.incidents import wish

from sinks.calls.outcome import Refused
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.sandbox.garbled import Form
from ticketing.sandbox.tickets import Ticket

HOUR = 3600.0

MOVES: dict[str, tuple[Callable[[Any], Incident], Status]] = {
    "raise": (lambda story: story.raised(), Status.OPEN),
    "acknowledge": (lambda story: story.acknowledged(), Status.ACKNOWLEDGED),
    "escalate": (lambda story: story.escalated(), Status.ESCALATED),
    "comment": (lambda story: story.commented(), Status.OPEN),
    "resolve": (lambda story: story.resolved(), Status.RESOLVED),
}
"""What can happen to an open incident, and what it is then."""

FAULTS: dict[str, dict[str, Any]] = {
    "latency": {"mode": "latency", "seconds": 0.02},
    "rate-limit": {"mode": "rate_limit", "retry_after": 7},
    "server-error": {"mode": "server_error", "status": 503},
    "server-error-after-accepting": {"mode": "server_error", "status": 502, "after_accept": True},
    "timeout-after-accepting": {"mode": "timeout_after_accept"},
    "malformed": {"mode": "malformed"},
    "queued": {"mode": "queued"},
    "down": {"mode": "down"},
}


async def test_an_incident_opens_one_ticket(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)
    assert "checkout" in desk.texts()
    assert "payment 17 timed out" in desk.texts()
    assert desk.life.receipts[-1].state is TicketState.OPEN
    assert desk.life.receipts[-1].external_id


async def test_nothing_new_costs_no_request(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    asked = desk.requests()
    await desk.life.want(desk.story.opened(), HOUR)
    assert desk.requests() == asked


@pytest.mark.parametrize("move", MOVES)
async def test_a_ticket_follows_its_incident(desk: Desk, move: str) -> None:
    await desk.life.want(desk.story.opened(), 60)
    make, status = MOVES[move]
    await desk.life.want(make(desk.story), HOUR)
    desk.is_true(status)
    if move == "raise" and desk.subject.raises is not None:
        assert desk.subject.raises(desk.ticket())
    if move == "escalate" and desk.subject.escalates is not None:
        assert desk.subject.escalates(desk.ticket())
    if move == "comment" and desk.subject.comments:
        assert "the pool is exhausted" in desk.texts()


async def test_an_incident_that_fires_again_is_open_again(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    await desk.life.want(desk.story.reopened(), HOUR)
    desk.is_true(Status.OPEN, episodes=2)


async def test_a_whole_life(desk: Desk) -> None:
    for snapshot in (
        desk.story.opened,
        desk.story.raised,
        desk.story.acknowledged,
        desk.story.commented,
        desk.story.escalated,
        desk.story.acknowledged,
        desk.story.resolved,
        desk.story.reopened,
        desk.story.resolved,
    ):
        await desk.life.want(snapshot(), 120)
    desk.is_true(Status.RESOLVED, episodes=2, pages=1)
    if desk.subject.comments:
        assert desk.texts().count("rolled back") >= 1


@pytest.mark.parametrize("fault", ["none", "timeout-after-accepting", "crash"])
async def test_a_whole_life_whatever_the_installation_does(
    desk: Desk, switches: dict[str, Any], fault: str
) -> None:
    """Each request but the last may have been carried out without an answer, or the process dies
    before it hears of one."""
    desk.behaves(**switches)
    desk.story.changed(affected_services=["checkout", "payment"])
    for snapshot in (
        desk.story.opened,
        desk.story.raised,
        desk.story.acknowledged,
        desk.story.escalated,
        desk.story.resolved,
        desk.story.reopened,
        desk.story.commented,
        desk.story.resolved,
    ):
        if fault == "crash":
            desk.life.send(wish(snapshot()))
            desk.life.fold()
            await desk.life.lose_results()
            await desk.life.crash(replayed=1)
            await desk.life.run(HOUR)
            continue
        if fault != "none":
            desk.fault(**FAULTS[fault], count=1)
        await desk.life.want(snapshot(), HOUR)
    desk.is_true(Status.RESOLVED, episodes=2, pages=1)
    if desk.subject.comments:
        assert desk.texts().count("the pool is exhausted") == 1


async def test_resolved_before_it_was_opened_there(desk: Desk) -> None:
    desk.fault("down")
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved())
    desk.fault("none")
    await desk.life.run(HOUR)
    desk.is_true(Status.RESOLVED)


@pytest.mark.parametrize("fault", FAULTS)
async def test_opening_survives(desk: Desk, fault: str) -> None:
    desk.fault(**FAULTS[fault], count=1)
    await desk.life.want(desk.story.opened(), HOUR)
    desk.is_true(Status.OPEN)
    _repeats_are_marked(desk)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("move", MOVES)
async def test_a_change_survives_and_its_repeat_is_harmless(
    desk: Desk, move: str, fault: str
) -> None:
    if fault == "queued" and desk.subject.queues:
        return
    await desk.life.want(desk.story.opened(), 60)
    make, status = MOVES[move]
    desk.fault(**FAULTS[fault], count=1)
    await desk.life.want(make(desk.story), HOUR)
    desk.is_true(status)
    if move == "comment":
        _comment_is_told_once(desk)
    _repeats_are_marked(desk)


@pytest.mark.parametrize("fault", FAULTS)
async def test_reopening_survives(desk: Desk, fault: str) -> None:
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.fault(**FAULTS[fault], count=1)
    await desk.life.want(desk.story.reopened(), HOUR)
    desk.is_true(Status.OPEN, episodes=2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_whole_life_in_bad_weather(desk: Desk, fault: str, seed: int) -> None:
    desk.fault(**FAULTS[fault], probability=0.4, seed=seed)
    for snapshot in (
        desk.story.opened,
        desk.story.raised,
        desk.story.acknowledged,
        desk.story.commented,
        desk.story.resolved,
    ):
        await desk.life.want(snapshot(), 60)
    desk.fault("none")
    await desk.life.run(2 * HOUR)
    desk.is_true(Status.RESOLVED)
    _repeats_are_marked(desk)


@pytest.mark.parametrize("form", Form)
async def test_an_answer_that_cannot_be_read_is_never_a_no(desk: Desk, form: Form) -> None:
    """The request took effect: nothing is refused, given up, left behind or made twice."""
    for seed, snapshot in enumerate(
        (
            desk.story.opened,
            desk.story.raised,
            desk.story.acknowledged,
            desk.story.commented,
            desk.story.resolved,
            desk.story.reopened,
        )
    ):
        desk.fault("garbled", form=form.value, probability=0.7, count=3, seed=seed)
        await desk.life.want(snapshot(), HOUR)
    desk.is_true(Status.OPEN, episodes=2)
    outcomes = [outcome for _, outcome in desk.life.platform.outcomes]
    assert not [one for one in outcomes if isinstance(one, Refused)]
    if not desk.subject.comments_unread:
        _comment_is_told_once(desk)


@pytest.mark.parametrize("move", ["open", *MOVES])
async def test_a_crash_before_the_result_is_known_does_nothing_twice(desk: Desk, move: str) -> None:
    make, status = MOVES[move] if move in MOVES else (type(desk.story).opened, Status.OPEN)
    if move != "open":
        await desk.life.want(desk.story.opened(), 60)
    desk.life.send(wish(make(desk.story)))
    desk.life.fold()
    await desk.life.lose_results()
    await desk.life.crash(replayed=1)
    await desk.life.run(HOUR)
    desk.is_true(status)
    if move == "comment":
        _comment_is_told_once(desk)
    _repeats_are_marked(desk)


@pytest.mark.only(lambda subject: "close" in subject.person)
async def test_a_ticket_that_a_person_closed_is_not_fought_over(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.person("close")
    asked = desk.requests()
    await desk.life.want(desk.story.counted(), HOUR)
    await desk.life.want(desk.story.commented(), HOUR)
    await desk.life.want(desk.story.resolved(), 24 * HOUR)
    assert desk.requests() - asked <= 12
    desk.is_true(Status.RESOLVED)


@pytest.mark.only(lambda subject: "close" in subject.person)
async def test_a_ticket_that_a_person_closed_opens_when_the_incident_does(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.person("close")
    await desk.life.want(desk.story.resolved(), HOUR)
    await desk.life.want(desk.story.reopened(), HOUR)
    desk.is_true(Status.OPEN, episodes=2)


@pytest.mark.only(lambda subject: "reopen" in subject.person)
async def test_a_ticket_that_a_person_reopened_stays_so_until_the_incident_moves(
    desk: Desk,
) -> None:
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), 60)
    desk.person("reopen")
    asked = desk.requests()
    await desk.life.run(24 * HOUR)
    assert desk.requests() == asked


@pytest.mark.only(lambda subject: "delete" in subject.person)
async def test_a_ticket_that_a_person_deleted_is_not_made_again(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.person("delete")
    asked = desk.requests()
    await desk.life.want(desk.story.acknowledged(), HOUR)
    await desk.life.want(desk.story.commented(), HOUR)
    await desk.life.want(desk.story.resolved(), 24 * HOUR)
    # Each part of the ticket is tried once for each change, and OpsGenie is asked why.
    assert desk.requests() - asked <= 18
    assert all(one.state == "resolved" for one in desk.tickets())
    if not desk.subject.recreates:
        assert desk.tickets() == []
        # Slack says the same of a message and of its thread.
        assert 1 <= len(desk.life.dead_letters) <= 2
        assert {letter.reason for letter in desk.life.dead_letters} == {"not_found"}
        assert desk.life.receipts[-1].state is TicketState.REJECTED


def _comment_is_told_once(desk: Desk) -> None:
    if not desk.subject.comments or desk.subject.message_only:
        return
    told = desk.texts().count("the pool is exhausted")
    marked = desk.subject.comments_unread and "possibly" in desk.texts()
    assert told == 1 or (marked and told == 2)


def _repeats_are_marked(desk: Desk) -> None:
    """Where messages can't be looked up, one of two that say the same says so."""
    if not desk.subject.message_only:
        return
    seen: list[str] = []
    for one in desk.tickets():
        if not desk.subject.marked(one):
            assert _said(one) not in seen, "a repeat that is not marked"
        seen.append(_said(one))


def _said(ticket: Ticket) -> str:
    return f"{ticket.state} {ticket.title}"
