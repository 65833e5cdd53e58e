"""Wrong clocks: no page later than its deadline and a second, nothing resolved or escalated early.

Each of the broker, detection, alerts, incidents and the adapter has a clock that is ahead, behind,
leaps or was suspended, while true time passes in small steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support.pipeline import Pipeline, Traffic, settings
from support.world import START, Host, World, simulate

from agents import detection
from sinks.platform import ALL_OPERATIONS, Repeat, Traits
from tables.deliveries import Operation
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, Status

HOUR = 3600.0
WAIT, ESCALATE, QUIET, RESOLVE = 3.0, 20.0, 60.0, 30.0
FIRING = 60.0
STEP = 0.25
LATE = 1.0
"""Seconds of true time by which a page may be later than its deadline."""
SEEN = 75.0
"""Reports of progress come every few seconds, are passed on every ten, and looked at once a minute."""
SUSPENDED = 8.0
TRAITS = Traits(repeat=Repeat.BLINDLY, operations=ALL_OPERATIONS - {Operation.LOOK_UP})
ROLES = ("detection", "alerts", "incidents", "adapter")
PLACES = ("broker", *ROLES)


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, detection)


def config() -> Config:
    return settings(
        groupWait={"critical": f"{WAIT}s"},
        escalateAfter={"critical": f"{ESCALATE}s"},
        anomaly={"quietAfter": f"{QUIET}s"},
        autoResolveAfter=f"{RESOLVE}s",
    )


@dataclass
class Clocks:
    """The clocks of one place in the installation."""

    pipeline: Pipeline
    place: str

    def hosts(self) -> list[Host]:
        """The hosts of the role."""
        return [process.host for process in self.pipeline.roles[self.place].processes]

    def add(self, seconds: float) -> None:
        """Step the time of day."""
        if self.place == "broker":
            self.pipeline.world.broker_ahead += seconds
        else:
            for host in self.hosts():
                host.ahead += seconds

    def boot(self, seconds: float) -> None:
        """Step the clock since the boot."""
        for host in [] if self.place == "broker" else self.hosts():
            host.boot_ahead += seconds


Trouble = Callable[[Clocks, float], None]
"""Called at every step with the seconds since the start."""


def ahead(clocks: Clocks, at: float) -> None:
    if at == 0.0:
        clocks.add(HOUR)


def behind(clocks: Clocks, at: float) -> None:
    if at == 0.0:
        clocks.add(-HOUR)


def leaps(*jumps: tuple[float, float]) -> Trouble:
    def trouble(clocks: Clocks, at: float) -> None:
        for when, seconds in jumps:
            if at == when:
                clocks.add(seconds)

    return trouble


def stepped(clocks: Clocks, at: float) -> None:
    """The machine was suspended, and what the kernel says of it."""
    if at in (1.0, 30.0):
        clocks.boot(40.0)


def stopped(clocks: Clocks, at: float) -> None:
    """SIGSTOP across the deadlines of the ticket and of the escalation."""
    roles = clocks.pipeline.stopped
    if clocks.place == "broker":
        return
    for first in (1.0, 1.0 + WAIT + ESCALATE - SUSPENDED / 2):
        if first <= at < first + SUSPENDED:
            roles.add(clocks.place)
        elif at == first + SUSPENDED:
            roles.discard(clocks.place)


TROUBLES: dict[str, Trouble] = {
    "ahead": ahead,
    "behind": behind,
    "leaps ahead": leaps((1.0, HOUR), (100.0, HOUR)),
    "leaps back": leaps((1.0, -HOUR), (100.0, -HOUR)),
    "to and fro": leaps((1.0, HOUR), (10.0, -HOUR), (20.0, -HOUR), (40.0, HOUR), (140.0, HOUR)),
    "leaps ahead while quiet": leaps((125.0, HOUR)),
    "leaps back while quiet": leaps((125.0, -HOUR)),
    "stepped since the boot": stepped,
    "stopped": stopped,
}


class Watch:
    """True times of what happened to the only incident."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.statuses: list[tuple[float, Status]] = []

    def incident(self) -> Incident | None:
        found = list(self.pipeline.published().values())
        assert len(found) <= 1, [one.title for one in found]
        return found[0] if found else None

    def look(self, at: float) -> None:
        incident = self.incident()
        if incident is not None and (
            not self.statuses or self.statuses[-1][1] is not incident.status
        ):
            self.statuses.append((at, incident.status))

    def at(self, status: Status) -> float:
        """The time of the first change to a status."""
        found = [at for at, one in self.statuses if one is status]
        assert found, f"never {status.value}: {self.statuses}"
        return found[0]

    def ticket_at(self) -> float:
        (ticket,) = self.pipeline.platform.tickets
        return ticket.made_at - START


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("place", PLACES)
async def test_wrong_clocks_make_nothing_late_or_early(place: str, trouble: str) -> None:
    world = World(partitions=2)
    pipeline = Pipeline(world, config(), TRAITS)
    clocks, watch, traffic = Clocks(pipeline, place), Watch(pipeline), Traffic()
    fault = traffic.fault("checkout", "disk is full", severity="critical", partition=0)
    late = SUSPENDED if trouble == "stopped" else 0.0
    last = 0.0
    steps = int((FIRING + QUIET + RESOLVE + SEEN + 30.0) / STEP)
    for number in range(steps):
        at = number * STEP
        world.now = START + at
        TROUBLES[trouble](clocks, at)
        if at % 5.0 == 0.0:
            pipeline.report()
        if 1.0 <= at <= FIRING and (at - 1.0) % 5.0 == 0.0:
            fault(pipeline)
            last = at
        await pipeline.settle()
        watch.look(at)
    ticket_at = watch.ticket_at()
    # A record from before the broker's time leapt back has waited long already.
    leapt_back = place == "broker" and trouble == "leaps back"
    waited = 0.0 if leapt_back else WAIT
    assert 1.0 + waited - 0.01 <= ticket_at <= 1.0 + WAIT + LATE + late
    escalated_at = watch.at(Status.ESCALATED)
    # From the deadline of the ticket, however long the platform took.
    due = 1.0 + waited + ESCALATE
    assert due - 0.3 <= escalated_at <= ticket_at + ESCALATE + LATE + 2 * late
    resolved_at = watch.at(Status.RESOLVED)
    assert last + RESOLVE - 0.3 <= resolved_at <= last + QUIET + RESOLVE + SEEN
    assert [status for _, status in watch.statuses] == [
        Status.OPEN,
        Status.ESCALATED,
        Status.RESOLVED,
    ]


async def test_a_deadline_of_hours_is_kept_when_the_broker_leaps_back_a_day() -> None:
    world = World(partitions=1)
    hours = settings(groupWait="2s", escalateAfter={"critical": "3h"}, autoResolveAfter="12h")
    pipeline = Pipeline(world, hours, TRAITS)
    Traffic().fault("checkout", "disk is full", severity="critical")(pipeline)
    await pipeline.pass_time(20.0, 0.5)
    (ticket,) = pipeline.platform.tickets
    world.broker_ahead -= 24 * HOUR
    await pipeline.pass_time(ticket.made_at + 3 * HOUR - 60.0 - world.now, 15.0)
    assert [one.status for one in pipeline.incidents()] == [Status.OPEN]
    await pipeline.pass_time(120.0, 5.0)
    assert [one.status for one in pipeline.incidents()] == [Status.ESCALATED]
