"""A page mentions the configured people once; an edit, a step or a log line mentions nobody."""

from __future__ import annotations

from typing import Any

import pytest
from contract.conftest import OpenDesk
from support.contract import Desk

from ticketing.domain.severity import Severity

GROUP, ADA = "!subteam^S0123", "@U0123"
MENTIONS = {
    "critical": f"<{GROUP}>",
    "services": {"cart": f"<{ADA}>"},
    "teams": {"payments": {"high": f"<{ADA}> <!here>"}},
}
HOUR = 3600.0

pytestmark = pytest.mark.only(lambda one: one.platform == "slack")


def pings(desk: Desk) -> list[str]:
    """The people that were notified, each time."""
    return [one for ticket in desk.tickets() for one in ticket.record["pings"]]


async def lived(desk: Desk, **changes: Any) -> None:
    desk.story.incident = desk.story.changed(**changes)
    await desk.life.want(desk.story.opened(), 60)


async def test_a_critical_incident_mentions_the_group_once_for_each_page(
    open_desk: OpenDesk,
) -> None:
    desk = open_desk(mentions=MENTIONS)
    await lived(desk, severity=Severity.CRITICAL)
    assert pings(desk) == [GROUP]
    await desk.life.want(desk.story.commented(), HOUR)
    desk.life.clock.now += HOUR
    await desk.life.want(desk.story.acknowledged(), HOUR)
    await desk.life.want(desk.story.counted(9), HOUR)
    assert pings(desk) == [GROUP]
    await desk.life.want(desk.story.paged(), HOUR)
    assert pings(desk) == [GROUP, GROUP]
    await desk.life.want(desk.story.resolved(), HOUR)
    assert pings(desk) == [GROUP, GROUP]


async def test_a_risen_severity_mentions_its_people(open_desk: OpenDesk) -> None:
    desk = open_desk(mentions=MENTIONS)
    await lived(desk)
    assert pings(desk) == []
    desk.life.clock.now += HOUR
    await desk.life.want(desk.story.raised(), HOUR)
    assert pings(desk) == [GROUP]


async def test_a_message_that_stays_as_it_is_mentions_once_too(open_desk: OpenDesk) -> None:
    desk = open_desk(mentions=MENTIONS)
    await lived(desk)
    desk.behaves(edit_window=300)
    desk.life.clock.now += HOUR
    await desk.life.want(desk.story.raised(), HOUR)
    assert pings(desk) == [GROUP]


@pytest.mark.parametrize("service", ["cart", "checkout", "search"])
async def test_service_and_team_choose_their_people(open_desk: OpenDesk, service: str) -> None:
    catalog = {"services": {"checkout": {"team": "payments"}}}
    desk = open_desk(mentions=MENTIONS, settings={"catalog": catalog})
    await lived(desk, service=service)
    assert pings(desk) == {"cart": [ADA], "checkout": [ADA, "!here"]}.get(service, [])


async def test_what_pages_nobody_mentions_nobody(open_desk: OpenDesk) -> None:
    desk = open_desk(mentions={"high": "<!channel>"})
    await lived(desk, quietly=True)
    assert desk.tickets()
    assert pings(desk) == []


async def test_a_mention_survives_refused_blocks(open_desk: OpenDesk) -> None:
    desk = open_desk(mentions={"high": "<!channel>"})
    desk.behaves(refuses_blocks=True)
    await lived(desk)
    assert pings(desk) == ["!channel"]


async def test_a_log_line_mentions_nobody(desk: Desk) -> None:
    hostile = "<!channel> <@U0123> <!subteam^S0123> <!here|x>"
    await lived(desk, title=hostile, service=hostile, endpoints=[hostile], tenant=hostile)
    await desk.life.want(desk.story.commented(hostile, by=hostile), HOUR)
    await desk.life.want(desk.story.paged(hostile), HOUR)
    assert pings(desk) == []
