"""Requests end one way or another, and leave no trace in the runner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.incidents import ticketed

from sinks.calls.outcome import Delivered, Outcome, Reason, Refused
from sinks.delivery.runner import Runner
from sinks.delivery.wishes import OperationResult
from sinks.platform import Repeat, Request, Traits
from tables.deliveries import Operation, Why


class Scripted:
    name = "scripted"
    traits = Traits(repeat=Repeat.BLINDLY)

    def __init__(self, perform: Callable[[], Any]) -> None:
        self._perform = perform

    async def perform(self, request: Request) -> Outcome:
        outcome = self._perform()
        return await outcome if asyncio.iscoroutine(outcome) else outcome


class Desk:
    def __init__(self, perform: Callable[[], Any]) -> None:
        self.results: list[OperationResult] = []
        self.fatal: list[BaseException] = []
        self.busy_at_report: list[bool] = []
        self.runner = Runner(
            Scripted(perform),  # type: ignore[arg-type]
            self._report,
            concurrency=1,
            fence=lambda: None,
            fatal=self.fatal.append,
            clock=lambda: 0.0,
        )

    async def settle(self) -> None:
        """Let what is under way end, its report included."""
        await self.runner.drain({2}, 30.0)

    async def _report(self, result: OperationResult, partition: int) -> None:
        self.busy_at_report.append(self.runner.busy(result.incident_id))
        self.results.append(result)


@pytest.fixture
def request_() -> Request:
    return Request(
        incident_id="i",
        partition=2,
        number=1,
        operation=Operation.CREATE,
        why=Why.NOT_HELD,
        want=ticketed(),
        have=None,
        account="",
        uncertain=False,
        start_by=5.0,
        timeout=1.0,
    )


async def test_a_result_is_reported_when_the_next_request_may_begin(request_: Request) -> None:
    desk = Desk(lambda: Delivered(external_id="T"))
    desk.runner.start(request_)
    await desk.settle()
    assert [result.number for result in desk.results] == [1]
    assert desk.busy_at_report == [False]


async def test_a_request_cancelled_before_its_first_step_leaves_room(request_: Request) -> None:
    desk = Desk(lambda: Delivered(external_id="T"))
    desk.runner.start(request_)
    await desk.runner.cancel({2})
    assert desk.runner.room == 1
    assert not desk.runner.busy("i")
    assert desk.results == []


async def test_whatever_a_client_raises_is_a_result(request_: Request) -> None:
    class Odd(Exception):
        pass

    def perform() -> Outcome:
        raise Odd

    desk = Desk(perform)
    desk.runner.start(request_)
    await desk.settle()
    outcome = desk.results[0].outcome
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.detail) == (Reason.INTERNAL, "Odd")
