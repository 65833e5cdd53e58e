"""A refused or failing step stops no other one: later comments and edits reach the ticket."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledger import Ledger
from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Delivered, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Repeat, Request, Traits
from tables.deliveries import Operation, Track, Why
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import StepKind
from ticketing.domain.severity import Severity

ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    operations=ALL_OPERATIONS | {Operation.PAGE},
    updates=frozenset({Why.SEVERITY, Why.TITLE}),
    steps=STATUS_STEPS - {StepKind.OPENED},
    search_lag=3.0,
)
HOUR = 3600.0
CHANGES = [
    Operation.UPDATE,
    Operation.ACKNOWLEDGE,
    Operation.ESCALATE,
    Operation.RESOLVE,
    Operation.REOPEN,
    Operation.COMMENT,
    Operation.PAGE,
]


class Desk(Ledger):
    """A ledger that refuses what it is told to, and keeps the texts that it was sent."""

    def __init__(self, clock: Clock, traits: Traits = ISSUES) -> None:
        super().__init__(traits, clock)
        self.refusing: dict[Operation, Outcome] = {}
        self.title = ""
        self.told: list[str] = []
        self.refused: Counter[tuple[Operation, str]] = Counter()

    async def perform(self, request: Request) -> Outcome:
        refusal = self.refusing.get(request.operation)
        if refusal is not None:
            self.asked += 1
            self.refused[request.operation, self._target(request)] += 1
            return refusal
        outcome = await super().perform(request)
        if request.operation in (Operation.CREATE, Operation.UPDATE):
            self.title = request.want.title
        if request.operation is Operation.COMMENT:
            self.told += [step.text for step in request.steps]
        return outcome

    def _target(self, request: Request) -> str:
        if request.operation is Operation.COMMENT:
            return str([step.seq for step in request.steps if step.seq])
        if request.operation is Operation.UPDATE:
            return f"{request.want.title} {request.want.severity.value}"
        return f"{request.want.status.value} {request.want.page}"


def scene(traits: Traits = ISSUES) -> tuple[Life, Desk, Story]:
    clock = Clock()
    desk = Desk(clock, traits)
    return Life(desk, clock=clock), desk, Story(clock, severity=Severity.MEDIUM)


async def test_a_board_without_a_state_for_acknowledged_mutes_nothing() -> None:
    """The case that was found: To Do and Done only; four attempts, no edit, no comment."""
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.ACKNOWLEDGE] = Refused(Reason.INVALID, "no such transition")
    await life.want(story.acknowledged(note="mine"), HOUR)
    await life.want(story.changed(title="a new title"), HOUR)
    await life.want(story.counted(5_000), HOUR)
    await life.want(story.commented("it is the pool"), HOUR)
    assert sum(desk.refused.values()) == 1
    assert desk.title == "a new title"
    assert "it is the pool" in desk.told
    (remark,) = [text for text in desk.told if "the acknowledgement could not be made" in text]
    assert "no such transition" in remark
    assert life.receipts[-1].state is TicketState.OPEN
    assert "no such transition" in life.receipts[-1].error


async def test_a_remark_is_told_once() -> None:
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.UPDATE] = Refused(Reason.INVALID, "edit window closed")
    for number in range(4):
        await life.want(story.changed(title=f"title {number}"), HOUR)
        await life.want(story.commented(f"comment {number}"), HOUR)
    assert len([text for text in desk.told if "edit window closed" in text]) == 1
    assert [text for text in desk.told if text.startswith("comment")] == [
        f"comment {number}" for number in range(4)
    ]


async def test_what_the_platform_left_out_is_told_with_the_next_comment() -> None:
    class Picky(Desk):
        async def perform(self, request: Request) -> Outcome:
            outcome = await super().perform(request)
            if request.operation is Operation.CREATE and isinstance(outcome, Delivered):
                return Delivered(outcome.external_id, left_out=("impact: asked for 1, kept 3",))
            return outcome

    clock = Clock()
    desk = Picky(clock)
    life, story = Life(desk, clock=clock), Story(clock)
    await life.want(story.opened(), 60.0)
    assert desk.told == []
    await life.want(story.commented("first"), 60.0)
    await life.want(story.commented("second"), 60.0)
    assert desk.told == ["impact: asked for 1, kept 3", "first", "second"]


async def test_a_comment_that_was_refused_spoils_no_later_one() -> None:
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.COMMENT] = Refused(Reason.TOO_LARGE, "too long")
    await life.want(story.commented("a poem"), HOUR)
    desk.refusing.clear()
    await life.want(story.commented("the pool"), HOUR)
    assert desk.told == [
        "an earlier comment could not be made here: too_large: too long",
        "the pool",
    ]


async def test_comments_do_not_wait_for_a_state_that_fails() -> None:
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.ACKNOWLEDGE] = RetryAfter(Reason.SERVER_ERROR)
    await life.want(story.acknowledged(note="mine"), 30.0)
    assert "mine" in desk.told


async def test_a_refused_page_goes_to_the_fallback() -> None:
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.PAGE] = Refused(Reason.INVALID, "nobody is on call")
    await life.want(story.paged(), HOUR)
    assert life.receipts[-1].state is TicketState.REJECTED
    await life.want(story.commented("still here"), HOUR)
    assert "still here" in desk.told


async def test_words_from_before_the_ticket_are_told_on_it() -> None:
    """The platform was down, which is when people write."""
    life, desk, story = scene()
    desk.refusing[Operation.CREATE] = RetryAfter(Reason.UNREACHABLE)
    await life.want(story.opened(), 60.0)
    await life.want(story.commented("it is the pool"), 60.0)
    await life.want(story.raised(), 60.0)
    desk.refusing.clear()
    await life.want(story.acknowledged(note="mine"), HOUR)
    assert desk.told == ["it is the pool", "mine"]


async def test_a_comment_with_a_lost_answer_is_marked_whatever_comes_between() -> None:
    life, desk, story = scene()
    await life.want(story.opened(), 60.0)
    desk.refusing[Operation.COMMENT] = Unknown(Reason.TIMEOUT)
    desk.refusing[Operation.ACKNOWLEDGE] = Unknown(Reason.TIMEOUT)
    await life.want(story.commented("once"), 5.0)
    await life.want(story.acknowledged(), 60.0)
    desk.refusing.clear()
    await life.run(HOUR)
    comments = [one for one in life.platform.requests if one.operation is Operation.COMMENT]
    assert [one.uncertain for one in comments] == [False, *[True] * (len(comments) - 1)]


async def test_a_refused_create_is_looked_for_before_the_next_one() -> None:
    """Zammad refuses what it has done: a second create would make a second ticket."""
    life, desk, story = scene()
    made = desk.perform

    async def done_and_refused(request: Request) -> Outcome:
        outcome = await made(request)
        lying = request.operation is Operation.CREATE
        return Refused(Reason.INVALID, "HTTP 422") if lying else outcome

    life.platform._platform.perform = done_and_refused  # type: ignore[method-assign]
    await life.want(story.opened(), 60.0)
    await life.want(story.changed(title="another"), HOUR)
    await life.want(story.resolved(), HOUR)
    assert len(desk.entries) == 1
    assert desk.entries[0].state is TicketState.RESOLVED


MOVES = {
    "counted": Story.counted,
    "raised": Story.raised,
    "acknowledged": Story.acknowledged,
    "escalated": Story.escalated,
    "resolved": Story.resolved,
    "reopened": Story.reopened,
    "commented": Story.commented,
    "paged": Story.paged,
    "titled": lambda story: story.changed(title=f"title {story.incident.revision}"),
}


@pytest.mark.parametrize("whole", [False, True])
@settings(deadline=None, max_examples=60)
@given(
    refused=st.lists(st.sampled_from(CHANGES), unique=True),
    moves=st.lists(st.sampled_from(sorted(MOVES)), max_size=10),
    seed=st.integers(0, 10**6),
)
def test_whatever_is_refused_later_comments_and_edits_reach_the_ticket(
    whole: bool, refused: list[Operation], moves: list[str], seed: int
) -> None:
    async def lived() -> None:
        dice = random.Random(seed)
        life, desk, story = scene(dataclasses.replace(ISSUES, whole=whole))
        await life.want(story.opened(), 60.0)
        wanted = [f"{story.incident.status.value} {story.incident.page}"]
        reasons = [Reason.INVALID, Reason.NOT_FOUND, Reason.TOO_LARGE, Reason.INTERNAL]
        for move in moves:
            desk.refusing = {
                one: Refused(dice.choice(reasons), "not like this")
                for one in refused
                if dice.random() < 0.7
            }
            want = MOVES[move](story)
            wanted.append(f"{want.status.value} {want.page}")
            await life.want(want, dice.choice([0.0, 10.0, HOUR]))
        await life.run(HOUR)
        steps = {Operation.UPDATE, Operation.COMMENT, Operation.PAGE}
        assert all(times <= 1 for (one, _), times in desk.refused.items() if one in steps)
        # A state that is wanted again, after another one, is another request.
        entered = Counter(state for state, _ in itertools.groupby(wanted))
        states = {key: times for key, times in desk.refused.items() if key[0] not in steps}
        assert all(times <= entered[state] for (_, state), times in states.items())
        for one in (Operation.COMMENT, Operation.UPDATE):
            desk.refusing.pop(one, None)
        await life.want(story.changed(title="the last title"), HOUR)
        await life.want(story.commented("the last comment"), HOUR)
        assert desk.told[-1] == "the last comment"
        if not whole:
            assert desk.title == "the last title"
        assert Track.COMMENTS not in life.delivery(story.incident.id).trials

    asyncio.run(lived())
