"""What a platform is behind with: under way, waiting for room, or failing; not what is refused."""

from __future__ import annotations

import pytest
from support.incidents import id_of, wish
from support.life import Life
from support.story import Story

from sinks.calls.outcome import Delivered, Outcome, Reason, Refused, RetryAfter
from sinks.platform import Connection, Repeat, Request, Traits
from ticketing import metrics
from ticketing.domain.incidents.incident import Incident
from ticketing.wire.pulses import Pulse

TAKEN = Delivered(external_id="1")
BUSY = RetryAfter(Reason.SERVER_ERROR)


class Moody:
    """A platform that answers as it is told to."""

    name = "moody"
    traits = Traits(repeat=Repeat.BLINDLY, whole=True)

    def __init__(self) -> None:
        self.answer: Outcome = TAKEN

    def account(self, want: Incident) -> str:
        return "a"

    async def perform(self, request: Request) -> Outcome:
        return self.answer

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="")

    async def close(self) -> None:
        pass


@pytest.fixture
def life() -> Life:
    return Life(Moody(), concurrency=1)


def stories(life: Life, count: int) -> list[Story]:
    return [Story(life.clock, id=id_of(number)) for number in range(count)]


def answer(life: Life, outcome: Outcome) -> None:
    life.platform._platform.answer = outcome  # type: ignore[attr-defined]


def pending(life: Life) -> int:
    """What the adapter's process tells of its only partition."""
    life.machine.report_unfinished(len(life.partition.unfinished))
    labels = {"platform": "moody"}
    found = metrics.registry.get_sample_value("ticketing_deliveries_pending", labels)
    assert found is not None
    assert life.machine.described(Pulse("moody", "1", 0.0)).pending == int(found)
    return int(found)


async def test_what_is_taken_is_not_pending(life: Life) -> None:
    for story in stories(life, 3):
        await life.want(story.opened())
    assert pending(life) == 0


async def test_what_fails_is_pending_until_it_is_taken(life: Life) -> None:
    answer(life, BUSY)
    for story in stories(life, 3):
        await life.want(story.opened(), seconds=0.5)
    assert pending(life) == 3
    answer(life, TAKEN)
    await life.run(3600.0)
    assert pending(life) == 0


async def test_what_waits_for_room_is_pending(life: Life) -> None:
    for story in stories(life, 3):
        life.send(wish(story.opened()))
    life.fold()
    assert len(life.runner) == 1
    assert pending(life) == 3
    await life.run(60.0)
    assert pending(life) == 0


async def test_what_is_refused_is_not_pending(life: Life) -> None:
    answer(life, Refused(Reason.INVALID))
    (story,) = stories(life, 1)
    await life.want(story.opened(), seconds=1.0)
    assert pending(life) == 0


async def test_a_restart_counts_from_the_table(life: Life) -> None:
    answer(life, BUSY)
    told = stories(life, 3)
    for story in told[:2]:
        await life.want(story.opened(), seconds=0.5)
    before = pending(life)
    assert before == 2
    await life.crash()
    assert pending(life) == before
    answer(life, TAKEN)
    await life.run(3600.0)
    await life.crash()
    assert pending(life) == 0


async def test_the_time_to_a_page_counts_from_the_log(life: Life) -> None:
    def seconds(name: str) -> float:
        labels = {"platform": "moody"}
        return metrics.registry.get_sample_value(f"ticketing_{name}_sum", labels) or 0.0

    since_due, since_log = seconds("ticket_seconds"), seconds("log_to_page_seconds")
    (story,) = stories(life, 1)
    now = life.clock.now
    await life.want(story.changed(opened_at=now - 40.0, ticket_at=now - 10.0))
    assert seconds("ticket_seconds") - since_due == pytest.approx(10.0, abs=1.0)
    assert seconds("log_to_page_seconds") - since_log == pytest.approx(40.0, abs=1.0)
