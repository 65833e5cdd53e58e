"""What goes to the dead letters of a delivery: the reason and the request, once."""

from __future__ import annotations

import pytest
from support.configured import timing_with
from support.incidents import ID
from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Delivered, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.platform import Connection, Repeat, Request, Traits
from tables.deliveries import Why
from ticketing.domain.incidents.incident import Incident

REQUEST = 'POST https://tickets.example/api\n{"title":"ü"}'


class Failing:
    """A platform that answers as told to."""

    name = "failing"
    traits = Traits(repeat=Repeat.BLINDLY, updates=frozenset({Why.TITLE}))

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def account(self, want: Incident) -> str:
        return ""

    async def perform(self, request: Request) -> Outcome:
        return self.outcome

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Refused(Reason.INVALID, "no", REQUEST), "invalid"),
        (RetryAfter(Reason.UNREACHABLE, request=REQUEST), "exhausted"),
        (Unknown(Reason.SERVER_ERROR, True, request=REQUEST), "exhausted"),
    ],
)
async def test_what_is_refused_or_given_up_leaves_its_reason_and_request(
    outcome: Outcome, reason: str
) -> None:
    clock = Clock()
    life = Life(Failing(outcome), clock=clock, timing=timing_with(give_up_after=600.0))
    await life.want(Story(clock).opened(), 2000.0)
    (letter,) = life.dead_letters
    assert (letter.reason, letter.platform, letter.incident_id) == (reason, "failing", ID)
    assert letter.value == REQUEST.encode()
    assert letter.whole


async def test_a_redriven_delivery_is_tried_again_and_may_die_again() -> None:
    clock = Clock()
    platform = Failing(Refused(Reason.INVALID, "no", REQUEST))
    life = Life(platform, clock=clock)
    await life.want(Story(clock).opened(), 60.0)
    await life.retry(ID, 60.0)
    assert len(life.dead_letters) == 2
    platform.outcome = Delivered(external_id="T-1")
    await life.retry(ID, 60.0)
    assert life.delivery(ID).have is not None
    assert len(life.dead_letters) == 2
    await life.retry(ID, 60.0)
    assert len(life.platform.requests) == 3, "what is delivered is not delivered again"
