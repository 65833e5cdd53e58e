"""Requests run beside each other up to a bound, each ends, and each end is reported once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.incidents import ticketed
from support.waiting import until

from sinks.calls.http import Http
from sinks.calls.outcome import Delivered, Failed, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.calls.transport import Reply
from sinks.delivery.runner import Runner
from sinks.delivery.wishes import OperationResult, encode_result
from sinks.platform import Repeat, Request, Traits
from tables.deliveries import Operation, Why

Perform = Callable[[Request], Awaitable[Outcome]]


class Scene:
    """A runner, what its platform does, and what it reported."""

    def __init__(self, perform: Perform, concurrency: int = 2) -> None:
        self.name = "scene"
        self.traits = Traits(repeat=Repeat.BLINDLY)
        self.perform = perform
        self.results: list[tuple[OperationResult, int]] = []
        self.fatal: list[BaseException] = []
        self.fenced = 0
        self.happened = asyncio.Event()
        self.now = 100.0
        self.runner = Runner(
            self,  # type: ignore[arg-type]
            self.report,
            concurrency=concurrency,
            fence=self.fence,
            fatal=self.fail,
            clock=lambda: self.now,
        )

    def fence(self) -> None:
        self.fenced += 1

    async def report(self, result: OperationResult, partition: int) -> None:
        self.results.append((result, partition))
        self.happened.set()

    def fail(self, error: BaseException) -> None:
        self.fatal.append(error)
        self.happened.set()

    def start(self, number: int = 1, partition: int = 0, **fields: Any) -> None:
        known: dict[str, Any] = {
            "incident_id": f"{number:x}-0-1",
            "partition": partition,
            "number": number,
            "operation": Operation.CREATE,
            "why": Why.NOT_HELD,
            "want": ticketed(),
            "have": None,
            "account": "",
            "uncertain": False,
            "start_by": self.now + 5.0,
            "timeout": 30.0,
        }
        self.runner.start(Request(**{**known, **fields}))

    async def ended(self) -> Outcome:
        await asyncio.wait_for(self.happened.wait(), 30.0)
        return self.results[-1][0].outcome


async def takes(request: Request) -> Outcome:
    return Delivered(external_id="T-1")


class Hanging:
    """Answers once it is released."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.released = asyncio.Event()

    async def __call__(self, request: Request) -> Outcome:
        self.asked.append(request)
        await self.released.wait()
        return Delivered()


async def test_a_result_is_reported_to_its_partition() -> None:
    scene = Scene(takes)
    scene.start(7, partition=3)
    assert await scene.ended() == Delivered(external_id="T-1")
    ((result, partition),) = scene.results
    assert (result.number, result.operation, partition) == (7, Operation.CREATE, 3)
    assert scene.fenced == 1


async def test_there_is_room_for_as_many_as_configured() -> None:
    scene = Scene(Hanging(), concurrency=2)
    assert scene.runner.room == 2
    scene.start(1)
    scene.start(2)
    assert scene.runner.room == 0
    assert scene.runner.busy("1-0-1")
    assert not scene.runner.busy("3-0-1")
    await scene.runner.cancel({0})


async def test_two_at_once_for_one_incident_are_a_fault() -> None:
    scene = Scene(Hanging())
    scene.start(1)
    with pytest.raises(AssertionError):
        scene.start(1)
    await scene.runner.cancel({0})


async def test_what_comes_too_late_is_not_sent() -> None:
    """The process slept: somebody else may have taken over meanwhile."""
    asked: list[Request] = []

    async def notes(request: Request) -> Outcome:
        asked.append(request)
        return Delivered()

    scene = Scene(notes)
    scene.start(start_by=scene.now - 0.1)
    outcome = await scene.ended()
    assert isinstance(outcome, RetryAfter)
    assert outcome.reason is Reason.NOT_SENT
    assert asked == []


async def test_a_request_that_takes_too_long_has_an_unknown_outcome() -> None:
    scene = Scene(Hanging())
    scene.start(timeout=0.01)
    outcome = await scene.ended()
    assert isinstance(outcome, Unknown)
    assert outcome.reason is Reason.TIMEOUT
    assert not outcome.over


@pytest.mark.parametrize("character", ["x", "\x00", "\x1b", "\ud83d", "😀", '"'])
async def test_an_answer_of_any_text_is_reported_cleaned_and_bounded(character: str) -> None:
    long = character * 300_000
    answers: list[Outcome] = [
        Delivered(external_id="T1", key=long, url=f"https://a/{long}", on_call=long),
        RetryAfter(reason=Reason.SERVER_ERROR, detail=long, request=long),
        Refused(reason=Reason.INVALID, detail=long, request=long),
        Unknown(reason=Reason.TIMEOUT, detail=long, request=long),
    ]

    for answer in answers:

        async def perform(request: Request, answer: Outcome = answer) -> Outcome:
            return answer

        scene = Scene(perform)
        scene.start()
        outcome = await scene.ended()
        assert type(outcome) is type(answer)
        (result, _), *_ = scene.results
        assert len(encode_result(result)) < 70_000


@pytest.mark.parametrize("id", ["x" * 600, "a\x00b"])
async def test_an_id_that_cannot_be_kept_leaves_the_outcome_unknown(id: str) -> None:
    async def perform(request: Request) -> Outcome:
        return Delivered(external_id=id)

    scene = Scene(perform)
    scene.start()
    outcome = await scene.ended()
    assert isinstance(outcome, Unknown)
    assert outcome.reason is Reason.MALFORMED


async def test_a_failure_is_its_outcome() -> None:
    async def fails(request: Request) -> Outcome:
        raise Failed(RetryAfter(Reason.RATE_LIMITED, 7.0))

    scene = Scene(fails)
    scene.start()
    assert await scene.ended() == RetryAfter(Reason.RATE_LIMITED, 7.0)


@pytest.mark.parametrize("error", [KeyError("secret"), ValueError("secret"), AssertionError()])
async def test_a_fault_of_ours_is_one_refused_delivery(error: Exception) -> None:
    async def breaks(request: Request) -> Outcome:
        raise error

    scene = Scene(breaks)
    scene.start()
    outcome = await scene.ended()
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.INTERNAL
    assert "secret" not in outcome.detail
    assert scene.fatal == []


class Answering:
    """A transport that answers everything well."""

    async def exchange(self, *args: Any, **options: Any) -> Reply:
        return Reply(200, {}, b"{}")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("method", "kind"), [("GET", Refused), ("POST", Unknown)])
async def test_a_fault_of_ours_after_a_change_was_sent_is_no_refusal(
    method: str, kind: type
) -> None:
    http = Http(Answering())

    async def breaks(request: Request) -> Outcome:
        await http.call(method, "https://platform.example/tickets")
        raise KeyError("id")

    scene = Scene(breaks)
    scene.start()
    outcome = await scene.ended()
    assert type(outcome) is kind
    assert outcome.reason is Reason.INTERNAL


async def test_a_result_that_cannot_be_reported_is_fatal() -> None:
    scene = Scene(takes)

    async def broken(result: OperationResult, partition: int) -> None:
        raise OSError("no broker")

    scene.runner._report = broken
    scene.start()
    await asyncio.wait_for(scene.happened.wait(), 30.0)
    assert isinstance(scene.fatal[0], OSError)


async def test_cancelling_ends_one_partitions_requests_and_tells_nothing() -> None:
    hanging = Hanging()
    scene = Scene(hanging)
    scene.start(1, partition=1)
    scene.start(2, partition=2)
    await until(lambda: len(hanging.asked) == 2, "both requests")
    await scene.runner.cancel({1})
    assert not scene.runner.busy("1-0-1")
    assert scene.runner.busy("2-0-1")
    assert scene.results == []
    await scene.runner.cancel({2})


async def test_draining_lets_what_is_quick_end() -> None:
    hanging = Hanging()
    scene = Scene(hanging)
    scene.start(1, partition=1)
    draining = asyncio.create_task(scene.runner.drain({1}, 30.0))
    await until(lambda: hanging.asked, "the request")
    assert not draining.done()
    hanging.released.set()
    await draining
    assert len(scene.results) == 1
    assert len(scene.runner) == 0


async def test_draining_has_an_end() -> None:
    hanging = Hanging()
    scene = Scene(hanging)
    scene.start(1, partition=1)
    await until(lambda: hanging.asked, "the request")
    await scene.runner.drain({1}, 0.01)
    assert scene.results == []
    assert len(scene.runner) == 0
