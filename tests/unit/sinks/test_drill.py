"""A drill: every step on every platform, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from support.life import Clock

from sinks.calls.outcome import (
    Absent,
    Delivered,
    Failed,
    Outcome,
    Reason,
    Refused,
    RetryAfter,
    Unknown,
)
from sinks.drill import STEPS, TITLE, Drill, Row, incident
from sinks.platform import Connection, Repeat, Request, Traits
from tables.deliveries import Operation
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity

Answer = Callable[[Request], Outcome]


class Scripted:
    """A platform that holds one ticket, and does to chosen operations what it is told."""

    name = "scripted"

    def __init__(self, repeat: Repeat = Repeat.AFTER_LOOK_UP, **answers: Answer) -> None:
        self.traits = Traits(repeat=repeat, search_lag=2.0)
        self.answers = answers
        self.operations: list[Operation] = []
        self.state = "none"

    def account(self, want: Incident) -> str:
        return ""

    async def perform(self, request: Request) -> Outcome:
        self.operations.append(request.operation)
        if request.operation.value in self.answers:
            return self.answers[request.operation.value](request)
        return self.do(request)

    def do(self, request: Request) -> Outcome:
        if request.operation is Operation.LOOK_UP and self.state == "none":
            return Absent()
        if request.operation is Operation.CREATE:
            self.state = "open"
        elif request.operation.transition:
            self.state = request.operation.value
        return Delivered(external_id="T-1", url="https://tickets.example/T-1")

    async def test_connection(self) -> Connection:
        return Connection(ok=True, message="")

    async def close(self) -> None:
        pass


async def run(platform: Scripted, stopping: asyncio.Event | None = None) -> tuple[bool, list[Row]]:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    rows: list[Row] = []
    drill = Drill(
        platform,
        incident(Severity.LOW, "drill", clock.now),
        5.0,
        stopping or asyncio.Event(),
        clock=clock,
        sleep=sleep,
    )
    return await drill.run(rows.append), rows


async def test_a_ticket_is_created_acknowledged_and_resolved() -> None:
    platform = Scripted()
    good, rows = await run(platform)
    assert good
    assert [(row.step, row.ok, row.url) for row in rows] == [
        (step, True, "https://tickets.example/T-1") for step in STEPS
    ]
    assert platform.state == "resolve"


def test_it_is_clearly_marked() -> None:
    tested = incident(Severity.CRITICAL, "checkout", 1.0)
    assert tested.title == TITLE
    assert "test" in TITLE
    assert tested.id != incident(Severity.CRITICAL, "checkout", 1.0).id


async def test_what_fails_halfway_is_resolved_all_the_same() -> None:
    platform = Scripted(acknowledge=lambda _: Refused(Reason.INVALID, "no such transition"))
    good, rows = await run(platform)
    assert not good
    assert [(row.step, row.ok) for row in rows] == [
        ("create", True),
        ("acknowledge", False),
        ("resolve", True),
    ]
    assert rows[1].outcome == "invalid: no such transition"
    assert platform.state == "resolve"


async def test_where_nothing_was_created_nothing_is_resolved() -> None:
    platform = Scripted(create=lambda _: Refused(Reason.CREDENTIALS, "HTTP 401"))
    good, rows = await run(platform)
    assert not good
    assert [row.step for row in rows] == ["create"]
    assert platform.operations == [Operation.CREATE]


async def test_a_create_of_unknown_outcome_is_looked_up_and_resolved() -> None:
    def lost(request: Request) -> Outcome:
        platform.do(request)
        raise Failed(Unknown(Reason.CONNECTION_LOST))

    platform = Scripted(create=lost)
    good, _ = await run(platform)
    assert good
    assert platform.operations[:2] == [Operation.CREATE, Operation.LOOK_UP]
    assert platform.operations.count(Operation.CREATE) == 1
    assert platform.state == "resolve"


async def test_a_platform_that_is_down_ends_the_drill_in_time() -> None:
    platform = Scripted(create=lambda _: RetryAfter(Reason.UNREACHABLE, None, "no connection"))
    good, rows = await run(platform)
    assert not good
    assert [row.step for row in rows] == ["create"]
    assert rows[0].outcome == "unreachable: no connection"
    assert rows[0].seconds <= 61.0


async def test_who_stops_it_finds_nothing_left_behind() -> None:
    stopping = asyncio.Event()

    def created(request: Request) -> Outcome:
        stopping.set()
        return platform.do(request)

    platform = Scripted(create=created)
    good, rows = await run(platform, stopping)
    assert not good
    assert [row.step for row in rows] == ["create", "resolve"]
    assert platform.state == "resolve"


@pytest.mark.parametrize("repeat", [Repeat.AFTER_LOOK_UP, Repeat.MARKED])
async def test_no_ticket_is_made_only_to_be_resolved(
    repeat: Repeat,
) -> None:
    stopping = asyncio.Event()

    def lost(_: Request) -> Outcome:
        stopping.set()
        return Unknown(Reason.TIMEOUT)

    platform = Scripted(repeat, create=lost)
    await run(platform, stopping)
    assert platform.operations.count(Operation.CREATE) == 1
    assert platform.state == "none"
