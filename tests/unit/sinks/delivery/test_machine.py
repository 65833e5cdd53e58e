"""The adapter: one request at a time per incident, the worst first, a crash forgets nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from support.incidents import ticketed, wish
from support.ledger import Ledger
from support.life import Clock, Life
from support.partition import MemoryPartition
from support.story import Story
from support.waiting import until

from sinks.calls.outcome import Delivered, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.delivery import wishes
from sinks.delivery.wishes import OperationResult
from sinks.platform import STATUS_STEPS, Repeat, Request, Traits
from tables.deliveries import Operation, Why
from ticketing.domain.events import TicketState
from ticketing.domain.severity import Severity
from ticketing.errors import BadRecord

ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset({Why.SEVERITY, Why.TITLE}),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
DAY = 86400.0


class Held(Ledger):
    """Answers nothing until told to."""

    def __init__(self, traits: Traits, clock: Clock) -> None:
        super().__init__(traits, clock)
        self.gate = asyncio.Event()
        self.under_way: list[Request] = []

    async def perform(self, request: Request) -> Outcome:
        self.under_way.append(request)
        await self.gate.wait()
        return await super().perform(request)


def incident_id(number: int) -> str:
    return f"{number:016x}-0-{number}"


async def started(life: Life, platform: Held) -> None:
    """Handle what has come, and let the requests begin."""
    life.fold()
    await until(lambda: len(platform.under_way) == len(life.runner), "the requests to begin")


async def test_the_worst_goes_first_when_there_is_no_room() -> None:
    clock = Clock()
    platform = Held(ISSUES, clock)
    life = Life(platform, clock=clock, concurrency=1)
    for number, severity in enumerate([Severity.LOW, Severity.LOW, Severity.CRITICAL], 1):
        story = Story(clock, id=incident_id(number), severity=severity)
        life.send(wish(story.opened()))
    await started(life, platform)
    platform.gate.set()
    await life.run(60.0)
    assert [one.incident_id for one in platform.entries] == [
        incident_id(1),
        incident_id(3),
        incident_id(2),
    ]


async def test_an_incident_has_one_request_under_way() -> None:
    clock = Clock()
    platform = Held(ISSUES, clock)
    life, story = Life(platform, clock=clock), Story(clock)
    life.send(wish(story.opened()))
    await started(life, platform)
    life.send(wish(story.acknowledged()))
    life.send(wish(story.resolved()))
    await started(life, platform)
    assert [request.operation for request in platform.under_way] == [Operation.CREATE]
    platform.gate.set()
    await life.run(60.0)
    assert platform.entries[0].state is TicketState.RESOLVED


async def test_no_request_starts_before_its_intent_is_kept() -> None:
    """What is asked of the platform stands in the table by then."""
    clock = Clock()
    seen: list[Any] = []

    class Looks(Ledger):
        async def perform(self, request: Request) -> Outcome:
            seen.append(life.delivery(request.incident_id).intent)
            return await super().perform(request)

    life, story = Life(Looks(ISSUES, clock), clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    await life.want(story.resolved(), 60.0)
    assert seen
    assert all(intent is not None for intent in seen)


async def test_a_crash_after_the_request_is_found_by_looking() -> None:
    clock = Clock()
    ledger = Ledger(ISSUES, clock)
    life, story = Life(ledger, clock=clock), Story(clock)
    life.send(wish(story.opened()))
    life.fold()
    await life.lose_results()
    await life.crash()
    await life.run(600.0)
    assert len(ledger.entries) == 1
    assert Operation.LOOK_UP in life.operations


async def test_a_crash_tells_the_receipt_again() -> None:
    clock = Clock()
    life, story = Life(Ledger(ISSUES, clock), clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    told = len(life.receipts)
    await life.crash(replayed=len(life._handled) - 1)
    assert len(life.receipts) > told
    assert life.receipts[-1] == life.receipts[told - 1]


async def test_one_dead_letter_for_one_reason() -> None:
    clock = Clock()

    class Refuses(Ledger):
        async def perform(self, request: Request) -> Outcome:
            return Refused(Reason.INVALID, "no such project", "POST /issue")

    life, story = Life(Refuses(ISSUES, clock), clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    for _ in range(5):
        await life.want(story.counted(), 60.0)
    (letter,) = life.dead_letters
    assert (letter.reason, letter.platform, letter.stage) == ("invalid", "ledger", "delivery")
    assert letter.incident_id == story.incident.id
    assert life.receipts[-1].state is TicketState.REJECTED


async def test_a_retry_is_safe_to_repeat() -> None:
    clock = Clock()
    ledger = Ledger(ISSUES, clock)
    life, story = Life(ledger, clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    asked = ledger.asked
    for _ in range(5):
        await life.retry(story.incident.id, 10.0)
    await life.retry("0123456789abcdef-9-9", 10.0)
    assert ledger.asked == asked
    assert len(ledger.entries) == 1


async def test_a_resolved_delivery_is_forgotten_in_the_end() -> None:
    clock = Clock()
    life, story = Life(Ledger(ISSUES, clock), clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    await life.run(40 * DAY)
    assert life.store.rows
    await life.want(story.resolved(), 40 * DAY)
    assert life.store.rows == {}


async def test_a_platform_that_is_down_gets_probes_not_a_flood() -> None:
    clock = Clock()

    class Down(Ledger):
        down = True

        async def perform(self, request: Request) -> Outcome:
            if self.down:
                self.asked += 1
                return RetryAfter(Reason.UNREACHABLE)
            return await super().perform(request)

    ledger = Down(ISSUES, clock)
    life = Life(ledger, clock=clock)
    for number in range(1, 21):
        life.send(wish(Story(clock, id=incident_id(number)).opened()))
    await life.run(1800.0, steps_max=50_000)
    assert ledger.asked < 150
    ledger.down = False
    await life.run(1800.0, steps_max=50_000)
    assert len(ledger.entries) == 20


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"[]", b'{"desired":{}}', b'{"result":{},"retry":{}}', b'{"desired":{"id":1}}'],
)
def test_a_message_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(BadRecord):
        wishes.decode(value)


def test_every_message_comes_back_as_it_was() -> None:
    want = ticketed()
    result = OperationResult(
        incident_id="1-0-1",
        number=3,
        operation=Operation.CREATE,
        outcome=Delivered(external_id="T-1"),
        seconds=0.5,
    )
    retry = wishes.Retry(incident_id="1-0-1", by="ada")
    assert wishes.decode(wishes.encode_result(result)).result == result
    assert wishes.decode(wishes.encode_retry(retry)).retry == retry
    assert wishes.decode(wish(want)).desired == want


def test_an_unknown_field_of_a_later_version_is_ignored() -> None:
    assert wishes.decode(b'{"retry":{"incident_id":"1-0-1","new":1},"newer":2}').retry is not None


async def test_what_goes_aside_holds_up_no_page() -> None:
    """Comments fail for as long as they like: the next page and the end of this one go out."""
    clock = Clock()

    class NoComments(Ledger):
        async def perform(self, request: Request) -> Outcome:
            if request.operation is Operation.COMMENT:
                self.asked += 1
                return Unknown(Reason.SERVER_ERROR, over=True)
            return await super().perform(request)

    traits = dataclasses.replace(
        ISSUES, repeat=Repeat.BLINDLY, aside=frozenset({Operation.COMMENT})
    )
    ledger = NoComments(traits, clock)
    life = Life(ledger, clock=clock)
    stories = [Story(clock, id=incident_id(number)) for number in range(1, 9)]
    for story in stories:
        life.send(wish(story.opened()))
        life.send(wish(story.commented()))
    await life.run(600.0, steps_max=50_000)
    asked = ledger.asked
    fresh = Story(clock, id=incident_id(99))
    life.send(wish(fresh.opened()))
    life.send(wish(stories[0].resolved()))
    await life.run(1.0)
    assert ledger.entries[-1].incident_id == fresh.incident.id
    assert ledger.entries[0].state is TicketState.RESOLVED
    assert ledger.asked - asked < 10


@pytest.mark.parametrize("id", ["a-4-1", "a-999999-1", "a--1-1", "x", ""])
async def test_an_incident_whose_partition_is_not_there_is_refused_before_anything_is_kept(
    id: str,
) -> None:
    """Its receipt could not be sent, and the send would hold everything behind it."""
    life = Life(Ledger(ISSUES, Clock()))
    life.machine._partitions = 4
    tx = MemoryPartition(life.machine).transaction()
    with pytest.raises((BadRecord, ValueError)):
        life.machine.apply(tx, wish(ticketed(id=id)))
    assert tx.writes() == []
