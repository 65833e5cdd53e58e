"""Asks models about incidents outside the stream: bounded, worst first, within the budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jinja2
import msgspec
import structlog

from ticketing import metrics
from ticketing.config import Config
from ticketing.domain.events import Basis, Summary
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.summaries.answer import Answer, read
from ticketing.domain.summaries.queue import Ask, Queue
from ticketing.domain.summaries.similar import Memory
from ticketing.llm.ledger import Ledger, open_redis
from ticketing.llm.models import Models, NoAnswer, label
from ticketing.llm.prompt import Prompts
from ticketing.llm.status import POST_EVERY_SECONDS, Board, own
from ticketing.privacy import for_prompts

log = structlog.get_logger(__name__)

Send = Callable[[Summary], Awaitable[None]]

BUDGET_LOOK_SECONDS_MAX = 900.0
"""A look is one read of Redis, and before the day ends only a reset there changes a budget."""
IDLE_SECONDS_MAX = 3600.0
"""Only a bound: a new incident, an answer or a due question wakes the loop before."""

_OWN_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
)

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Summary).decode


class Summarizer:
    """Takes incidents without waiting, and sends a summary when a model has answered.

    Tickets don't wait for a summary past their deadline; a late one follows as an update. Questions
    are not durable: after a crash a question is repeated when its incident is published the next
    time.
    """

    def __init__(
        self,
        models: Models,
        prompts: Prompts,
        ledger: Ledger,
        send: Send,
        *,
        concurrency: int,
        pause: float,
        queue: Queue | None = None,
        board: Board | None = None,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`pause`: seconds before a failed question is repeated for the first time."""
        self._models = models
        self._prompts = prompts
        self._ledger = ledger
        self._send = send
        self._concurrency = concurrency
        self._pause = pause
        self._queue = queue or Queue()
        self._board = board
        self._clock = clock
        self._memory = Memory() if memory is None else memory
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, config: Config, send: Send, memory: Memory) -> Summarizer:
        """The configured summarizer; `memory` holds the past incidents for the prompts."""
        llm, redis = config.llm, open_redis(config)
        return cls(
            Models(llm),
            Prompts(llm.max_prompt_tokens, for_prompts(config)),
            Ledger(llm.budget, redis, config.redis.prefix),
            send,
            concurrency=llm.concurrency,
            pause=llm.cooldown,
            board=Board(redis, config.redis.prefix),
            memory=memory,
        )

    def note(self, incident: Incident) -> None:
        """Take the latest state of an incident. Returns at once."""
        self._memory.note(incident)
        dropped = self._queue.note(incident)
        if dropped:
            metrics.summaries_total.labels("dropped").inc(dropped)
        self._woken.set()

    async def run(self) -> None:
        """Ask due questions, up to the concurrency at once, until cancelled."""
        posting = asyncio.create_task(self._post())
        # The first question should not wait for an import.
        opening = asyncio.create_task(self._models.open())
        try:
            while True:
                self._woken.clear()
                self._start()
                metrics.summaries_pending.set(len(self._queue))
                # A timer, as before Python 3.12 wait_for loses a cancellation that comes together
                # with the result.
                alarm = asyncio.get_running_loop().call_later(self._idle(), self._woken.set)
                await self._woken.wait()
                alarm.cancel()
        finally:
            tasks = [posting, opening, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._ledger.close()

    def _start(self) -> None:
        while len(self._tasks) < self._concurrency:
            taken = self._queue.take(self._clock())
            if taken is None:
                return
            task = asyncio.create_task(self._ask(*taken))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._woken.set()

    def _idle(self) -> float:
        at = self._queue.next_at()
        if at is None or len(self._tasks) >= self._concurrency:
            return IDLE_SECONDS_MAX
        return min(IDLE_SECONDS_MAX, max(0.0, at - self._clock()))

    async def _ask(self, ask: Ask, basis: Basis) -> None:
        incident = ask.incident
        kept = await self._kept(incident)
        if kept is None and not await self._ledger.reserve(incident.tenant):
            metrics.summaries_total.labels("over_budget").inc()
            wait = min(BUDGET_LOOK_SECONDS_MAX, self._ledger.seconds_left())
            self._queue.postponed(ask, self._clock() + wait)
            return
        try:
            summary = kept or await self._written(incident, basis)
        except NoAnswer as error:
            await self._ledger.charge(incident.tenant, error.cost)
            metrics.summaries_total.labels("no_answer").inc()
            log.warning("no_summary", incident=incident.id, why=str(error))
            self._queue.failed(ask, basis, self._clock(), self._pause)
            return
        except _OWN_FAULTS:
            # An error in the code for one incident must not stop the others.
            metrics.summaries_total.labels("failed").inc()
            log.exception("summary_failed", incident=incident.id)
            self._queue.failed(ask, basis, self._clock(), self._pause)
            return
        await self._send(summary)
        metrics.summaries_total.labels("kept" if kept else "written").inc()
        self._queue.answered(ask, summary.basis or basis)

    async def _post(self) -> None:
        """Post the worker's numbers, every few seconds."""
        while self._board is not None:
            await self._board.post(await asyncio.to_thread(own))
            await asyncio.sleep(POST_EVERY_SECONDS)

    async def _kept(self, incident: Incident) -> Summary | None:
        found = await self._ledger.answer(incident.id, incident.revision)
        try:
            return None if found is None else _decode(found)
        except msgspec.MsgspecError:
            # Written by another release.
            return None

    async def _written(self, incident: Incident, basis: Basis) -> Summary:
        past = self._memory.like(incident)
        # In a thread, as scrubbing a long incident would hold up the stream.
        prompt = await asyncio.to_thread(self._prompts.write, incident, past)
        told = await self._models.ask(prompt.messages, read)
        summary = summary_of(incident, told.value, label(told.provider), basis)
        await self._ledger.charge(incident.tenant, told.cost)
        await self._ledger.keep(incident.id, incident.revision, _encode(summary))
        return summary


def summary_of(incident: Incident, answer: Answer, by: str, basis: Basis) -> Summary:
    """A model's answer as a signal for the incidents' writer."""
    fields: dict[str, Any] = {
        "incident_id": incident.id,
        "revision": incident.revision,
        "generated_by": by,
        "title": answer.title,
        "text": answer.summary,
        "root_cause": answer.root_cause,
        "impact": answer.impact,
        "steps": answer.steps,
        "severity": answer.severity,
        "tags": answer.tags,
        "basis": basis,
    }
    return Summary(**fields)
