"""What a backlog costs: calls follow incidents, not updates, and waiting costs none."""

from __future__ import annotations

import dataclasses
from collections import Counter

from support.incidents import wish
from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Delivered, Outcome, Reason, RetryAfter
from sinks.platform import Connection, Repeat, Request, Traits
from tables.deliveries import Operation, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

INCIDENTS, UPDATES = 100, 100


class Counted:
    """A platform that takes everything, as long as it is told to have room."""

    name = "counted"
    traits = Traits(repeat=Repeat.BLINDLY, updates=frozenset({Why.SEVERITY, Why.TITLE}), whole=True)

    def __init__(self, clock: Clock) -> None:
        self.calls: Counter[Operation] = Counter()
        self.refused = 0
        self.full_until = 0.0
        self.first: list[str] = []
        self._clock = clock

    def account(self, want: Incident) -> str:
        return "a"

    async def perform(self, request: Request) -> Outcome:
        if self._clock() < self.full_until:
            self.refused += 1
            return RetryAfter(Reason.NO_ROOM, self.full_until - self._clock())
        self.calls[request.operation] += 1
        self.first.append(request.incident_id)
        return Delivered(external_id=request.incident_id)

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="")

    async def close(self) -> None:
        pass


def stories(clock: Clock) -> list[Story]:
    return [Story(clock, id=f"{number:016x}-0-{number}") for number in range(INCIDENTS)]


async def test_ten_thousand_updates_to_a_hundred_incidents_cost_a_hundred_calls() -> None:
    clock = Clock()
    platform = Counted(clock)
    life = Life(platform, clock=clock)
    told = stories(clock)
    for story in told:
        await life.want(story.opened())
    assert platform.calls == {Operation.CREATE: INCIDENTS}
    platform.calls.clear()
    platform.full_until = clock.now + 60.0
    for number in range(UPDATES):
        for story in told:
            life.send(wish(story.changed(title=f"title {number}")))
        await life.run(0.1)
    assert not platform.calls
    await life.run(600.0)
    assert INCIDENTS <= sum(platform.calls.values()) <= INCIDENTS + 10
    for story in told:
        held = life.delivery(story.incident.id).have
        assert held is not None
        assert held.shown.title == "title 99"


async def test_waiting_for_room_burns_no_attempts_and_asks_but_a_few_times() -> None:
    clock = Clock()
    platform = Counted(clock)
    platform.full_until = clock.now + 3600.0
    life = Life(platform, clock=clock)
    for story in stories(clock):
        life.send(wish(story.opened()))
    await life.run(3599.0)
    assert not platform.calls
    assert platform.refused <= 2 * life.runner.room
    states = [life.delivery(story.incident.id) for story in stories(clock)]
    assert {(state.failures, state.failing_since) for state in states} == {(0, None)}
    assert not life.dead_letters
    await life.run(60.0)
    assert platform.calls == {Operation.CREATE: INCIDENTS}


async def test_what_waits_goes_by_severity_once_there_is_room() -> None:
    clock = Clock()
    platform = Counted(clock)
    platform.full_until = clock.now + 30.0
    life = Life(platform, clock=clock, concurrency=1)
    told = stories(clock)
    critical = told[-1].incident.id
    for story in told:
        if story.incident.id == critical:
            story.changed(severity=Severity.CRITICAL)
        life.send(wish(story.opened()))
    await life.run(120.0)
    assert critical in platform.first[:2]


async def test_one_accounts_rate_limit_holds_up_no_other_account() -> None:
    clock = Clock()

    class Two(Counted):
        def account(self, want: Incident) -> str:
            return want.severity.value

        async def perform(self, request: Request) -> Outcome:
            if request.account == "low":
                return RetryAfter(Reason.RATE_LIMITED, 300.0)
            return await super().perform(request)

    platform = Two(clock)
    life = Life(platform, clock=clock)
    told = stories(clock)
    for number, story in enumerate(told):
        severity = Severity.CRITICAL if number >= 90 else Severity.LOW
        life.send(wish(dataclasses.replace(story.opened(), severity=severity)))
    await life.run(60.0)
    assert platform.calls == {Operation.CREATE: 10}
    opened = {told.incident_id for told in life.receipts if told.state is TicketState.OPEN}
    assert opened == {story.incident.id for story in told[90:]}
