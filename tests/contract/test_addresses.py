"""The address in a platform's answer leads where the configuration says that its tickets are."""

from __future__ import annotations

from support.contract import Desk

from ticketing.domain.incidents.addresses import leads_there


async def test_the_address_of_a_ticket_lies_at_its_platform(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    platform = desk.subject.platform
    places = list(desk.config.platform(platform).ticket_places())
    assert places
    assert not leads_there("https://evil.example/x", places)
    held = desk.life.delivery(desk.story.incident.id).have
    if held is not None and held.url:
        assert leads_there(held.url, places), (held.url, places)
