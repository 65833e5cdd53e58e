"""People are paged once for each page, whatever they or the platform did before."""

from __future__ import annotations

import random

import pytest
from support.contract import Desk

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Status

PAGING = frozenset({"pagerduty", "opsgenie", "slack"})
"""The platforms that notify people by themselves; on others the comment and the state do."""
HOUR = 3600.0


pytestmark = pytest.mark.only(lambda one: one.platform in PAGING and not one.message_only)


def alarms(desk: Desk) -> int:
    """The times that people were notified of the incident."""
    return sum(ticket.alarms for ticket in desk.tickets())


async def test_a_page_again_rings_once_where_somebody_has_acknowledged(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.life.clock.now += HOUR
    await desk.life.want(desk.story.acknowledged(), HOUR)
    assert alarms(desk) == 1
    await desk.life.want(desk.story.paged(), HOUR)
    assert alarms(desk) == 2
    assert [one.state for one in desk.tickets()][-1] != "resolved"
    assert not desk.life.dead_letters


async def test_an_acknowledgement_after_the_page_is_kept(desk: Desk) -> None:
    """The adapter was down for both: nobody is rung up about what they work on already."""
    await desk.life.want(desk.story.opened(), 60)
    desk.life.clock.now += HOUR
    desk.story.paged()
    desk.life.clock.now += 1.0
    await desk.life.want(desk.story.acknowledged(), HOUR)
    assert alarms(desk) == 1
    desk.is_true(Status.ACKNOWLEDGED)


@pytest.mark.parametrize("fault", ["timeout_after_accept", "server_error"])
async def test_a_page_whose_answer_is_lost_still_rings(desk: Desk, fault: str) -> None:
    await desk.life.want(desk.story.opened(), 60)
    desk.life.clock.now += 1.0
    await desk.life.want(desk.story.acknowledged(), 60)
    desk.life.clock.now += 1.0
    desk.fault(fault, count=1)
    await desk.life.want(desk.story.paged(), HOUR)
    assert alarms(desk) >= 2


def seed_that_spares(requests: int) -> int:
    """The seed of a fault of probability one half that hits none of so many requests, then one."""
    for seed in range(1000):
        draw = random.Random(seed).random
        if all(draw() >= 0.5 for _ in range(requests)) and draw() < 0.5:
            return seed
    raise AssertionError("no seed")


@pytest.mark.only(
    lambda one: (
        one.platform in PAGING and one.comments and not (one.message_only or one.comments_unread)
    )
)
@pytest.mark.parametrize("spared", range(4))
@pytest.mark.parametrize("fault", ["timeout_after_accept", "server_error"])
async def test_a_page_again_rings_once_whichever_answer_is_lost(
    desk: Desk, fault: str, spared: int
) -> None:
    """A comment may go out before the page is tried again."""
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.acknowledged(), 60)
    lost = {"after_accept": True} if fault == "server_error" else {}
    desk.fault(fault, probability=0.5, seed=seed_that_spares(spared), count=1, **lost)
    desk.story.commented()
    await desk.life.want(desk.story.paged(), HOUR)
    desk.fault("none")
    await desk.life.run(HOUR)
    assert alarms(desk) == 2
    assert desk.texts().count("the pool is exhausted") == 1


async def test_a_reopened_incident_rings_once(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    await desk.life.want(desk.story.resolved(), HOUR)
    await desk.life.want(desk.story.reopened(), HOUR)
    assert alarms(desk) == 2


async def test_a_quiet_ticket_rings_nobody_until_it_pages(desk: Desk) -> None:
    desk.story.incident = desk.story.changed(quietly=True)
    await desk.life.want(desk.story.opened(), HOUR)
    if not desk.life.platform.traits.loud:
        return
    assert alarms(desk) == 0
    assert desk.life.receipts[-1].state is TicketState.ACKNOWLEDGED
    await desk.life.want(desk.story.paged(), HOUR)
    assert alarms(desk) == 1
