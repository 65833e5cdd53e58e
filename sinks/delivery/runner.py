"""Runs requests to a platform: bounded in number, one per incident, each with a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import structlog

from sinks.calls.answered_texts import contained
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
from sinks.delivery.wishes import OperationResult
from sinks.platform import Request, Sink
from ticketing import metrics
from ticketing.engine.boottime import boottime
from ticketing.log import about
from ticketing.telemetry import spans
from ticketing.telemetry.spans import Headers

log = structlog.get_logger(__name__)

Report = Callable[[OperationResult, int], Awaitable[None]]
"""Takes a result and its partition, and returns once the result is durable."""


@dataclass
class _Running:
    request: Request
    task: asyncio.Task[None]


class Runner:
    """The requests to one platform that are under way in this process.

    `report` gets every result except those of cancelled requests, whose intents expire at their
    deadline. `fence` is called right before each request and leaves the process if its partitions
    may belong to another worker. `fatal` gets an error of `report`. `trace_of` gives the trace that
    an incident's request belongs to.
    """

    def __init__(
        self,
        platform: Sink,
        report: Report,
        *,
        concurrency: int,
        fence: Callable[[], None],
        fatal: Callable[[BaseException], None],
        trace_of: Callable[[str], Headers | None] = lambda _: None,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._platform = platform
        self._report = report
        self._concurrency = concurrency
        self._fence = fence
        self._fatal = fatal
        self._trace_of = trace_of
        self._clock = clock
        self._running: dict[str, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    @property
    def room(self) -> int:
        """The number of requests that may be started now."""
        return max(0, self._concurrency - len(self._running))

    def busy(self, incident_id: str) -> bool:
        """True while a request for this incident is under way here."""
        return incident_id in self._running

    def now(self) -> float:
        """The time in seconds since the boot, on the clock of `Request.start_by`."""
        return self._clock()

    def start(self, request: Request) -> None:
        """Begin a request in a task of its own; called once the intent is durable."""
        assert request.incident_id not in self._running, "one request at a time per incident"
        task = asyncio.create_task(self._run(request), name=f"request {request.incident_id}")
        self._running[request.incident_id] = _Running(request, task)
        # A task that is cancelled before its first step never runs `_run`, which ends the request.
        task.add_done_callback(lambda _: self._ended(request))

    def _ended(self, request: Request) -> None:
        running = self._running.get(request.incident_id)
        # The incident's next request may be under way already.
        if running is not None and running.request is request:
            del self._running[request.incident_id]

    async def cancel(self, partitions: Collection[int]) -> None:
        """Stop the requests of revoked partitions; nothing is reported."""
        gone = [
            running for running in self._running.values() if running.request.partition in partitions
        ]
        for running in gone:
            running.task.cancel()
        await asyncio.gather(*(running.task for running in gone), return_exceptions=True)

    async def drain(self, partitions: Collection[int], seconds: float) -> None:
        """Wait up to `seconds` for requests under way to be reported, then cancel the rest."""
        tasks = [r.task for r in self._running.values() if r.request.partition in partitions]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        await self.cancel(partitions)

    async def _run(self, request: Request) -> None:
        """Perform a request and report its outcome. A task of its own: its lines name the incident."""
        id, name = request.incident_id, self._platform.name
        with (
            about(incident=id, platform=name),
            spans.calling(name, request.operation.value, id, self._trace_of(id)) as span,
        ):
            await self._performed(request, span)

    async def _performed(self, request: Request, span: Any) -> None:
        began = self._clock()
        outcome = contained(await self._perform(request))
        # Before the report, whose reader may start the incident's next request.
        self._ended(request)
        seconds = self._clock() - began
        name = self._platform.name
        metrics.delivery_seconds.labels(name).observe(seconds)
        tag = type(outcome).__struct_config__.tag
        metrics.deliveries_total.labels(name, tag).inc()
        spans.ended(span, str(tag), failed=not isinstance(outcome, (Delivered, Absent)))
        if isinstance(outcome, Delivered) and outcome.left_out:
            metrics.delivery_fields_left_out_total.labels(name).inc(len(outcome.left_out))
            log.warning("fields_left_out", platform=name, fields=list(outcome.left_out))
        result = OperationResult(
            incident_id=request.incident_id,
            number=request.number,
            operation=request.operation,
            outcome=outcome,
            seconds=seconds,
        )
        try:
            await self._report(result, request.partition)
        except Exception as error:  # noqa: BLE001  (whatever Kafka's client raises is fatal)
            self._fatal(error)

    async def _perform(self, request: Request) -> Outcome:
        # After a pause of this process another worker may have taken the partition over.
        if self._clock() > request.start_by:
            return RetryAfter(reason=Reason.NOT_SENT, detail="not sent before its deadline")
        self._fence()
        try:
            return await asyncio.wait_for(self._platform.perform(request), request.timeout)
        except Failed as failed:
            return failed.outcome
        except asyncio.TimeoutError:
            return Unknown(reason=Reason.TIMEOUT, detail=f"no answer in {request.timeout:g} s")
        except Exception as error:
            # A fault of our own must not stop other deliveries. The request may have been sent.
            log.exception("delivery_failed", platform=self._platform.name)
            return Refused(reason=Reason.INTERNAL, detail=type(error).__name__)
