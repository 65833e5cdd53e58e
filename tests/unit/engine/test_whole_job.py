"""The whole job in memory: backlogs, storms over many tenants, restarts of idle partitions."""

from __future__ import annotations

from typing import Any

import pytest
from support.judge import check_alerts, check_conservation, check_incidents
from support.pipeline import Pipeline, Traffic, on_incidents_of, settings
from support.processes import INPUT
from support.world import START, Chances, World, simulate

from agents import detection
from sinks.platform import ALL_OPERATIONS, Repeat, Traits
from tables.deliveries import Operation
from ticketing.config import Config
from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.events import Action
from ticketing.domain.incidents.incident import Kind, Status
from ticketing.wire import topics
from ticketing.wire.events import decode_events
from ticketing.wire.incidents import decode_incident

TRAITS = Traits(repeat=Repeat.BLINDLY, operations=ALL_OPERATIONS - {Operation.LOOK_UP})
HOUR = 3600.0


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, detection)


def config(**more: Any) -> Config:
    return settings(groupWait="2s", **more)


def alert_states(world: World) -> list[Alert]:
    """Every state of an alert that was sent, in no order."""
    return [
        body
        for record in world.read(topics.EVENTS)
        if record.value and record.key is None
        for body in decode_events(record.value)
        if isinstance(body, Alert)
    ]


async def test_a_backlog_of_an_hour_makes_nothing_quiet_resolved_or_paged_twice() -> None:
    world = World(partitions=3, seed=4)
    chosen = config(anomaly={"quietAfter": "1m", "lookbackWindow": "1m"}, autoResolveAfter="2m")
    traffic = Traffic()
    pipeline = Pipeline(world, chosen, TRAITS)
    # The input fills up while nobody reads.
    for _ in range(int(HOUR / 20.0)):
        traffic.fault("checkout", "disk is full")(pipeline)
        traffic.fault("payment", "no route to the bank", 2)(pipeline)
        traffic.noise()(pipeline)
        world.now += 20.0
    fed = world.now
    # Ever larger parts of it are read, a partition each at its own speed, over ten minutes.
    for _ in range(200):
        await pipeline.turn()
        pipeline.report()
        world.now += 3.0
        if world.now < fed + 60.0:
            # The faults go on firing.
            traffic.fault("checkout", "disk is full")(pipeline)
            traffic.fault("payment", "no route to the bank")(pipeline)
    await pipeline.settle()
    check_conservation(pipeline, traffic)
    assert len(pipeline.incidents()) == 2
    assert len(pipeline.platform.tickets) == 2
    worked_off = [one for one in alert_states(world) if one.last_arrived_at < fed]
    assert worked_off
    assert {one.state for one in worked_off} == {AlertState.FIRING}
    snapshots = [decode_incident(r.value) for r in world.read(topics.INCIDENTS) if r.value]
    early = [one for one in snapshots if one.last_arrived_at < fed]
    assert {one.status for one in early} == {Status.OPEN}
    assert {one.page for one in snapshots} == {1}


async def test_idle_partitions_over_a_restart_escalate_in_time() -> None:
    world = World(partitions=2)
    pipeline = Pipeline(world, config(escalateAfter={"high": "60s"}), TRAITS)
    Traffic().fault("checkout", "disk is full")(pipeline)
    await pipeline.pass_time(20.0, 0.5)
    (ticket,) = pipeline.platform.tickets
    for wait in (15.0, 15.0):
        await pipeline.restart()
        await pipeline.pass_time(wait, 0.5)
    (incident,) = pipeline.incidents()
    assert incident.status is Status.OPEN
    await pipeline.pass_time(60.0, 0.25)
    (incident,) = pipeline.incidents()
    assert incident.status is Status.ESCALATED
    assert incident.escalated_at == pytest.approx(ticket.made_at + 60.0, abs=1.0)


async def test_equal_records_of_many_tenants_are_the_ceilings_pages_and_one_collective() -> None:
    world = World(partitions=4)
    pipeline = Pipeline(world, config(storm={"maxPagesPerMinute": 40}), TRAITS)
    traffic = Traffic()
    for number in range(120):
        traffic.fault("db", "out of disk", tenant=f"tenant-{number}")(pipeline)
    start = world.now
    await pipeline.pass_time(50.0)
    early = [ticket for ticket in pipeline.platform.tickets if ticket.made_at < start + 50.0]
    collectives = {one.id for one in pipeline.incidents() if one.kind is Kind.COLLECTIVE}
    told = {ticket.correlation for ticket in early}
    assert collectives <= told
    assert len(told - collectives) <= 40
    assert len(collectives) <= world.partitions
    # Nothing is held back for good: each gets its own when there is room.
    await pipeline.pass_time(600.0, 5.0)
    told = {ticket.correlation for ticket in pipeline.platform.tickets}
    assert told == {one.id for one in pipeline.incidents()}
    assert len(told) == 120 + len(collectives)
    check_conservation(pipeline, traffic)


async def test_a_storm_of_one_scope_is_placed_whole() -> None:
    world = World(partitions=2)
    pipeline = Pipeline(world, config(), TRAITS)
    traffic = Traffic()
    names = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnrs"]
    for number in range(600):
        service, name = f"service-{number % 60}", names[number // 60]
        traffic.fault(service, f"the {name} is lost")(pipeline)
    await pipeline.settle()
    assert sum(len(one.alerts) for one in pipeline.incidents()) == 600
    await pipeline.pass_time(70.0)
    check_conservation(pipeline, traffic)
    check_alerts(pipeline)
    check_incidents(pipeline)
    assert world.lag(INPUT) == 0
    assert world.now > START


async def test_a_late_line_counts_in_the_resolved_incident_and_a_new_one_reopens() -> None:
    world = World(partitions=2)
    pipeline = Pipeline(world, config(), TRAITS)
    traffic = Traffic()
    traffic.fault("checkout", "disk is full", 3)(pipeline)
    await pipeline.pass_time(10.0)
    on_incidents_of("checkout", Action.RESOLVE, "c1")(pipeline)
    await pipeline.pass_time(20.0)
    traffic.fault("checkout", "disk is full", late=25.0)(pipeline)
    await pipeline.pass_time(90.0, 5.0)
    (incident,) = pipeline.incidents()
    assert (incident.status, incident.count, incident.page) == (Status.RESOLVED, 4, 1)
    (ticket,) = pipeline.platform.tickets
    assert "reopen" not in ticket.history
    traffic.fault("checkout", "disk is full")(pipeline)
    await pipeline.pass_time(90.0, 5.0)
    (incident,) = pipeline.incidents()
    assert (incident.status, incident.count) == (Status.OPEN, 5)
    check_conservation(pipeline, traffic)
    check_alerts(pipeline)


@pytest.mark.parametrize(
    "changed",
    [
        {"anomaly": {"patternRules": [{"name": "d", "pattern": "disk is", "replace": "a disk"}]}},
        {"storm": {"maxPatternsPerService": 1}},
        {"grouping": "service"},
        {"grouping": "cause"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_settings_changed_after_a_kill_count_nothing_twice(changed: dict[str, Any]) -> None:
    world = World(partitions=2, chances=Chances(uncommitted=1.0))
    pipeline = Pipeline(world, config(), TRAITS)
    traffic = Traffic()
    for _ in range(3):
        traffic.fault("checkout", "disk is full", 4)(pipeline)
        traffic.fault("checkout", "no route to the bank")(pipeline)
        await pipeline.turn()
    assert world.committed == {}, "something was committed"
    assert pipeline.alerts(), "nothing was counted"
    world.chances = Chances()
    await pipeline.restart(config(**changed))
    traffic.fault("checkout", "disk is full", 2)(pipeline)
    await pipeline.pass_time(140.0, 5.0)
    counted = sum(incident.count for incident in pipeline.incidents())
    assert counted == sum(traffic.truth.values())
    check_alerts(pipeline)
    check_incidents(pipeline)
