"""Wherever a process dies: counts exact, one incident an alert, one ticket, the right state.

The scripts play a few faults' lives through the real agents, from the log to the platform. First
every single step of a run is taken in turn as the moment of death, then as that of a sleep behind
which a successor works; then seeded runs die, sleep and rebalance several times and meet a platform
that fails.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.judge import check
from support.pipeline import Line, Pipeline, Traffic, on_incidents_of, settings
from support.world import Chances, World, simulate

from agents import detection
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Repeat, Traits
from tables.deliveries import Operation, Why
from ticketing.domain.events import Action

CONFIG = settings(escalateAfter={"critical": "120s"}, autoResolveAfter="20m")
ALERTS = Traits(
    repeat=Repeat.BLINDLY,
    operations=ALL_OPERATIONS - {Operation.ESCALATE, Operation.COMMENT, Operation.LOOK_UP},
)
ISSUES = Traits(
    repeat=Repeat.AFTER_LOOK_UP,
    updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
    steps=STATUS_STEPS,
    search_lag=3.0,
)
MESSAGES = replace(ISSUES, whole=True)
WEBHOOK = Traits(repeat=Repeat.MARKED, operations=ALL_OPERATIONS - {Operation.COMMENT}, whole=True)
PLATFORMS = {"alerts": ALERTS, "issues": ISSUES, "messages": MESSAGES, "webhook": WEBHOOK}
SOME = 37
"""Steps between two that are tried where there is not time for all: a prime, so that no rhythm of the
script hides any."""
STEPS_MIN = 150
"""Of the script without a death; fewer would try hardly anything."""


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, detection)


def lives() -> tuple[Traffic, list[Line]]:
    """Faults acknowledged, resolved and firing again, rising, left to the clock's escalation."""
    traffic = Traffic()
    fault, on = traffic.fault, on_incidents_of
    return traffic, [
        fault("a", "disk is full", 3),
        fault("b", "no route to host", 2),
        fault("c", "pool is empty", severity="low"),
        on("a", Action.ACKNOWLEDGE, "c1"),
        traffic.noise(),
        on("b", Action.RESOLVE, "c2"),
        fault("c", "pool is empty", 2, severity="critical"),
        on("a", Action.ESCALATE, "c3"),
        fault("b", "no route to host", 3),
        fault("a", "lease has expired"),
        on("a", Action.RESOLVE, "c4"),
        on("c", Action.RESOLVE, "c5"),
        fault("b", "no route to host"),
        fault("e", "vault is sealed", severity="critical"),
        fault("a", "disk is full", tenant="globex"),
        fault("b", "no route to host", 2),
    ]


async def play(
    traits: Traits,
    crashes: frozenset[int] = frozenset(),
    sleeps: frozenset[int] = frozenset(),
    seed: int = 0,
    chances: Chances | None = None,
    workers: int = 1,
) -> tuple[Pipeline, Traffic]:
    traffic, script = lives()
    world = World(crashes=crashes, sleeps=sleeps, seed=seed, chances=chances)
    pipeline = Pipeline(world, CONFIG, traits, workers=workers)
    await pipeline.run(script)
    return pipeline, traffic


def usual() -> Chances:
    return Chances(slow=0.3, uncommitted=0.3, lazy=0.5, static=0.5)


@pytest.mark.parametrize("every", [SOME, pytest.param(1, marks=pytest.mark.chaos)])
@pytest.mark.parametrize("kind", ["crashes", "sleeps"])
@pytest.mark.parametrize("wiped", [False, True], ids=["disk kept", "disk wiped"])
async def test_a_death_or_a_sleep_at_any_step(kind: str, wiped: bool, every: int) -> None:
    chances = replace(usual(), wiped=1.0 if wiped else 0.0)
    whole, traffic = await play(ISSUES, chances=replace(chances))
    check(whole, traffic, ISSUES)
    assert len(whole.world.steps) > STEPS_MIN
    happened = 0
    # Each of the four begins at another step, and so kills or stops at others.
    first = 1 + (kind == "sleeps") * every // 2 + wiped * every // 4
    for step in range(first, len(whole.world.steps) + 1, every):
        at = {kind: frozenset({step})}
        pipeline, traffic = await play(ISSUES, **at, chances=replace(chances))
        happened += pipeline.deaths + pipeline.slept
        try:
            check(pipeline, traffic, ISSUES)
        except AssertionError as error:
            what = pipeline.world.steps[step - 1]
            raise AssertionError(f"{kind} at step {step}, before: {what}") from error
    tried = (len(whole.world.steps) - first) // every + 1
    # Not every step is one that a process can sleep through.
    assert happened >= (tried if kind == "crashes" else tried // 4)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(n, marks=pytest.mark.chaos) for n in range(4, 100))]
)
async def test_many_deaths_sleeps_and_rebalances_and_a_failing_platform(
    name: str, seed: int
) -> None:
    traits = PLATFORMS[name]
    chances = replace(usual(), fault=0.3, wiped=0.3, slow=0.4, rebalance=0.02)
    chance = World(seed=seed).random
    crashes = frozenset(chance.sample(range(1, 900), 10))
    sleeps = frozenset(chance.sample(range(1, 900), 7)) - crashes
    pipeline, traffic = await play(traits, crashes, sleeps, seed, chances, workers=2)
    check(pipeline, traffic, traits)
