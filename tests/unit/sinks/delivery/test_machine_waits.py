"""What an adapter does about incidents that wait, and about one that can't even be planned."""

from __future__ import annotations

import dataclasses

from support.incidents import id_of, wish
from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Delivered, Outcome
from sinks.delivery.machine import Waiting
from sinks.delivery.wishes import Retry, encode_retry
from sinks.platform import Connection, Repeat, Request, Traits
from tables.deliveries import Delivery
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity


class Fragile:
    """A platform whose account can't be told for some incidents."""

    name = "fragile"
    traits = Traits(repeat=Repeat.BLINDLY)

    def __init__(self) -> None:
        self.broken = True
        self.created: list[str] = []

    def account(self, want: Incident) -> str:
        if self.broken and want.title == "odd":
            raise KeyError(want.title)
        return "a"

    async def perform(self, request: Request) -> Outcome:
        self.created.append(request.incident_id)
        return Delivered(external_id=request.incident_id)

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="")

    async def close(self) -> None:
        pass


def story(clock: Clock, number: int) -> Story:
    return Story(clock, id=id_of(number))


async def test_an_incident_that_cannot_be_planned_stops_no_other() -> None:
    clock, platform = Clock(), Fragile()
    life = Life(platform, clock=clock)
    odd, other = story(clock, 1), story(clock, 2)
    odd.opened()
    life.send(wish(odd.changed(title="odd")))
    life.send(wish(other.opened()))
    await life.run(3600.0)
    assert platform.created == [other.incident.id]
    assert [letter.reason for letter in life.dead_letters] == ["internal"]
    platform.broken = False
    life.send(encode_retry(Retry(incident_id=odd.incident.id)))
    await life.run(60.0)
    assert platform.created == [other.incident.id, odd.incident.id]


def test_what_becomes_more_severe_while_it_waits_moves_forward() -> None:
    clock = Clock()
    waiting = Waiting()
    deliveries = [
        Delivery(
            incident_id=one.incident.id,
            want=dataclasses.replace(one.opened(), severity=Severity.LOW),
        )
        for one in (story(clock, 1), story(clock, 2), story(clock, 3))
    ]
    for delivery in deliveries:
        waiting.push(delivery, clock())
    last = deliveries[-1]
    assert last.want is not None
    risen = dataclasses.replace(last.want, severity=Severity.CRITICAL)
    waiting.push(dataclasses.replace(last, want=risen), clock())
    assert len(waiting) == 3
    assert waiting.pop() == last.incident_id
    assert [waiting.pop(), waiting.pop()] == [d.incident_id for d in deliveries[:2]]
    assert len(waiting) == 0
