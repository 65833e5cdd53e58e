"""Affected items never stand in the way of a record."""

from __future__ import annotations

from contract.platforms.servicenow import SUBJECTS
from support.contract import Desks
from support.incidents import id_of
from support.story import Story

from sinks.servicenow.affected import AFFECTED_MAX


async def test_items_leave_the_rate_to_the_next_record(desks: Desks) -> None:
    """Each of the many services costs two look-ups, more than the rate has in all."""
    desk = desks.open(SUBJECTS[0], rateLimit="20/hour")
    names = [f"service-{number}" for number in range(AFFECTED_MAX)]
    desk.story.changed(affected_services=["checkout", *names])
    await desk.life.want(desk.story.opened())
    await desk.life.want(Story(desk.life.clock, id=id_of(7)).opened())
    assert len(desk.tickets()) == 2
