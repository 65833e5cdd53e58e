"""Whatever a platform does to its requests, in the end it holds one ticket as it should be."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledger import Ledger
from support.life import Clock, Life
from support.story import Story

from sinks.delivery import reconcile
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Repeat, Traits
from tables.deliveries import Operation, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

ALERTS = Traits(
    repeat=Repeat.BLINDLY,
    operations=ALL_OPERATIONS - {Operation.LOOK_UP, Operation.DEDUPLICATE},
)
ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset(Why),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
MESSAGES = dataclasses.replace(ISSUES, whole=True)
WEBHOOK = Traits(repeat=Repeat.MARKED, operations=ALL_OPERATIONS - {Operation.COMMENT}, whole=True)
ASIDE = dataclasses.replace(
    ALERTS, steps=STATUS_STEPS, aside=frozenset({Operation.COMMENT, Operation.ESCALATE})
)
KINDS = {
    "alerts": ALERTS,
    "alerts-aside": ASIDE,
    "issues": ISSUES,
    "messages": MESSAGES,
    "webhook": WEBHOOK,
}

MOVES: dict[str, Callable[[Story], Incident]] = {
    "counted": Story.counted,
    "raised": lambda story: story.raised(Severity.CRITICAL),
    "acknowledged": Story.acknowledged,
    "escalated": Story.escalated,
    "resolved": Story.resolved,
    "reopened": Story.reopened,
    "commented": Story.commented,
}
DAY = 86400.0

events = st.lists(
    st.tuples(
        st.sampled_from([*MOVES, "crash", "replay", "retry"]),
        st.sampled_from([0.0, 0.5, 4.0, 30.0, 200.0]),
    ),
    min_size=1,
    max_size=12,
)


async def lived(
    traits: Traits, happened: list[tuple[str, float]], seed: int
) -> tuple[Life, Ledger]:
    """A life through troubles, then two quiet days in which nothing goes wrong."""
    clock = Clock()
    ledger = Ledger(traits, clock, seed)
    life, story = Life(ledger, clock=clock), Story(clock)
    ledger.troubled = True
    await life.want(story.opened(), 1.0)
    for what, seconds in happened:
        if what == "crash":
            await life.crash()
            await life.run(seconds)
        elif what == "replay":
            await life.crash(replayed=3)
            await life.run(seconds)
        elif what == "retry":
            await life.retry(story.incident.id, seconds)
        else:
            await life.want(MOVES[what](story), seconds)
    ledger.troubled = False
    # A refusal holds until something changes.
    await life.want(story.counted(), DAY)
    await life.run(DAY)
    ledger.catch_up()
    return life, ledger


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=100)
@given(happened=events, seed=st.integers(0, 10**6))
def test_the_wanted_state_is_reached(
    kind: str, happened: list[tuple[str, float]], seed: int
) -> None:
    traits = KINDS[kind]
    life, ledger = asyncio.run(lived(traits, happened, seed))
    (key,) = life.store.rows
    delivery = life.delivery(key)
    want = delivery.want
    assert want is not None
    assert delivery.have is not None
    assert delivery.intent is None
    assert reconcile.plan(delivery, life.clock.now, traits, "ledger") is None
    assert delivery.have.state == TicketState(want.status.value)
    known = {one.id: one for one in ledger.entries}
    assert known[delivery.have.external_id].state == delivery.have.state
    others = [one for one in ledger.live(key) if one.id != delivery.have.external_id]
    if traits.repeat is Repeat.MARKED:
        assert sum(not one.marked for one in ledger.live(key)) <= 1
    elif traits.repeat is Repeat.BLINDLY:
        # A resolved alert's key opens another: none but the last may be open.
        assert all(one.state is TicketState.RESOLVED for one in others)
    else:
        assert others == []


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=30)
@given(happened=events, seed=st.integers(0, 10**6), again=st.integers(1, 20))
def test_what_is_read_again_changes_nothing(
    kind: str, happened: list[tuple[str, float]], seed: int, again: int
) -> None:
    async def replayed() -> None:
        life, ledger = await lived(KINDS[kind], happened, seed)
        before, asked = dict(life.store.rows), ledger.asked
        await life.crash(replayed=again)
        await life.run()
        assert life.store.rows == before
        assert ledger.asked == asked

    asyncio.run(replayed())


@pytest.mark.parametrize("kind", KINDS)
def test_500_changes_that_come_at_once_are_one_request(kind: str) -> None:
    async def coalesced() -> int:
        clock = Clock()
        ledger = Ledger(KINDS[kind], clock)
        life, story = Life(ledger, clock=clock), Story(clock)
        await life.want(story.opened(), 60.0)
        asked = ledger.asked
        for _ in range(500):
            await life.want(story.counted())
        await life.want(story.acknowledged(), 60.0)
        return ledger.asked - asked

    # The acknowledgement, and where there are such things, the counts and the steps.
    assert asyncio.run(coalesced()) <= 3
