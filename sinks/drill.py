"""A drill: takes a clearly marked test incident through its life on real platforms.

A drill follows the adapter's own plan, but without Kafka. A ticket that was created is resolved,
whatever happens.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sinks.calls.backoff import Backoff
from sinks.calls.outcome import Absent, Failed, Outcome, Reason, RetryAfter, Unknown
from sinks.delivery import fold, reconcile
from sinks.delivery.wishes import OperationResult
from sinks.platform import Repeat, Request, Sink
from tables.deliveries import Delivery, Track
from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample

TITLE = "DRILL: this is a test of the ticketing agent, nothing is wrong"
BY = "drill"
STEP_SECONDS_MAX = 60.0
"""Room for a few attempts with the default timeout; about as long as a person waits for a step."""
LOOK_EVERY_SECONDS = 0.5
"""The delay of a wait's reaction to Ctrl-C."""
OPERATIONS_MAX = 30
"""Far more than a step needs; bounds a step on a platform whose answers never end the plan."""
RETRY_BACKOFF = Backoff(first=1.0, cap=10.0)
"""Shorter than an adapter's, so that a step has a few attempts within `STEP_SECONDS_MAX`."""

CREATE, ACKNOWLEDGE, RESOLVE = "create", "acknowledge", "resolve"
STEPS = (CREATE, ACKNOWLEDGE, RESOLVE)
_REACHES = {
    CREATE: (Status.OPEN, StepKind.OPENED),
    ACKNOWLEDGE: (Status.ACKNOWLEDGED, StepKind.ACKNOWLEDGED),
    RESOLVE: (Status.RESOLVED, StepKind.RESOLVED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one step on one platform; a bad `outcome` says what to fix."""

    step: str
    platform: str
    ok: bool
    outcome: str
    seconds: float
    url: str = ""


def incident(severity: Severity, service: str, now: float) -> Incident:
    """A new test incident. `now` is Unix seconds."""
    name, scope = secrets.token_hex(8), scope_of("", "")
    return Incident(
        id=f"{scope}-{name}",
        scope=scope,
        fingerprint=name,
        tenant="",
        service=service,
        pattern="drill <*>",
        title=TITLE,
        severity=severity,
        opened_at=now,
        updated_at=now,
        first_seen=now,
        last_seen=now,
        count=1,
        max_score=1.0,
        ticketed=True,
        ticket_at=now,
        samples=[Sample(at=now, level="INFO", message="drill 1: nobody has to do anything")],
        timeline=[Step(seq=1, at=now, kind=StepKind.OPENED, by=BY)],
    )


def at_step(was: Incident, step: str, now: float) -> Incident:
    """The test incident in the state of a step of the drill."""
    status, kind = _REACHES[step]
    if status is was.status:
        return was
    told = Step(seq=was.timeline[-1].seq + 1, at=now, kind=kind, by=BY, text="part of the drill")
    return dataclasses.replace(
        was,
        status=status,
        revision=was.revision + 1,
        updated_at=now,
        acknowledged_at=now if status is Status.ACKNOWLEDGED else was.acknowledged_at,
        resolved_at=now if status is Status.RESOLVED else None,
        timeline=[*was.timeline, told],
    )


@dataclass
class Drill:
    """One platform's part of a drill."""

    platform: Sink
    incident: Incident
    timeout: float
    """Seconds for one request."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Once set, only the resolving step is still taken."""
    begins: Callable[[str], None] = lambda step: None
    """Called with the name of each step before the step."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def __post_init__(self) -> None:
        self._timing = fold.Timing(
            timeout=self.timeout,
            # Each step has a deadline of its own, far below an adapter's.
            give_up_after=math.inf,
            retention=math.inf,
            backoff=RETRY_BACKOFF,
            grace=0.0,
        )
        self._delivery = Delivery(incident_id=self.incident.id)

    async def run(self, told: Callable[[Row], None]) -> bool:
        """Take the steps and report each as it ends; returns True if all of them are ok."""
        good = True
        for step in STEPS[:-1]:
            if good and not self.stopping.is_set():
                good = self._report(await self._step(step), told)
        good = good and not self.stopping.is_set()
        if not self._left_something:
            return False
        return self._report(await self._step(RESOLVE), told) and good

    def _report(self, row: Row, told: Callable[[Row], None]) -> bool:
        told(row)
        return row.ok

    @property
    def _left_something(self) -> bool:
        """True if there is, or may be, a ticket to resolve."""
        if self._delivery.have is not None:
            return True
        blind = self.platform.traits.repeat is Repeat.MARKED
        return Track.TICKET in self._delivery.doubts and not blind

    async def _step(self, step: str) -> Row:
        self.begins(step)
        began = self.clock()
        self.incident = at_step(self.incident, step, began)
        self._delivery = fold.desired(fold.retried(self._delivery), self.incident)
        problem = await self._reach(began + STEP_SECONDS_MAX)
        have = self._delivery.have
        words = {CREATE: "created", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}
        if step is RESOLVE and have is None and not problem:
            words[RESOLVE] = "nothing was created"
        return Row(
            step=step,
            platform=self.platform.name,
            ok=not problem,
            outcome=problem or words[step],
            seconds=self.clock() - began,
            url=(have.url or have.key) if have else "",
        )

    async def _reach(self, until: float) -> str:
        """Perform operations until none is planned; returns the problem, or an empty string."""
        for _ in range(OPERATIONS_MAX):
            now, traits, name = self.clock(), self.platform.traits, self.platform.name
            if self._stopped:
                return "stopped"
            planned = reconcile.plan(self._delivery, now, traits, name)
            if planned is not None:
                outcome = await self._perform(planned, now)
                if isinstance(outcome, Absent) and self.incident.status is Status.RESOLVED:
                    return ""
                continue
            if self._delivery.failing.refused:
                return self._delivery.error
            wakes_at = reconcile.wakes_at(self._delivery, now, traits, name)
            if wakes_at is None or self._is_there:
                return ""
            if wakes_at > until:
                return self._delivery.error or "not reached in time"
            await self._wait(wakes_at - now)
        return self._delivery.error or "not reached"

    @property
    def _is_there(self) -> bool:
        """True if the ticket exists and only a count or a search for a duplicate is still due."""
        delivery = self._delivery
        return delivery.have is not None and not delivery.doubts and not delivery.trials

    @property
    def _stopped(self) -> bool:
        """True once the drill is stopped, except for the resolving step."""
        return self.stopping.is_set() and self.incident.status is not Status.RESOLVED

    async def _wait(self, seconds: float) -> None:
        while seconds > 0 and not self._stopped:
            await self.sleep(min(seconds, LOOK_EVERY_SECONDS))
            seconds -= LOOK_EVERY_SECONDS

    async def _perform(self, planned: reconcile.Planned, now: float) -> Outcome:
        platform = self.platform
        account = self._delivery.account or platform.account(self.incident)
        self._delivery = fold.started(
            self._delivery,
            planned,
            now,
            platform=platform.name,
            account=account,
            traits=platform.traits,
            timing=self._timing,
        )
        intent = self._delivery.intent
        assert intent is not None, "starting makes an intent"
        request = Request(
            incident_id=self.incident.id,
            partition=0,
            number=intent.number,
            operation=intent.operation,
            why=intent.why,
            want=self.incident,
            have=self._delivery.have,
            account=self._delivery.account,
            steps=reconcile.steps_to_tell(self._delivery, platform.traits),
            uncertain=fold.uncertain(self._delivery, intent.operation, platform.traits),
            start_by=now + self._timing.start_within,
            timeout=self.timeout,
        )
        outcome = await self._outcome(request)
        result = OperationResult(
            incident_id=self.incident.id,
            number=intent.number,
            operation=intent.operation,
            outcome=outcome,
        )
        after = self.clock()
        self._delivery = fold.concluded(
            self._delivery, result, after, platform.traits, self._timing
        )
        if isinstance(outcome, RetryAfter) and outcome.reason is Reason.NO_ROOM:
            await self._wait(min(outcome.seconds or 1.0, STEP_SECONDS_MAX))
        return outcome

    async def _outcome(self, request: Request) -> Outcome:
        try:
            return await asyncio.wait_for(self.platform.perform(request), self.timeout)
        except Failed as failed:
            return failed.outcome
        except asyncio.TimeoutError:
            return Unknown(Reason.TIMEOUT, detail=f"no answer in {self.timeout:g} s")
