"""Wherever a process dies: counts exact, one ticket an incident, the right state, nothing left.

The scripts play a few incidents' lives through the real agents of the simulation. First every
single step of a run is taken in turn as the moment of death, then seeded runs die several times and
meet a platform that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from support import simulation
from support.configured import policy_with
from support.incidents import anomalies
from support.simulation import Chances, Installation, World

from sinks.delivery import reconcile
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Repeat, Traits
from tables.deliveries import Operation, Why
from ticketing.domain.events import Action, Command, TicketState
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies, Origin
from ticketing.engine import table

ROUTED = {severity: (simulation.PLATFORM,) for severity in Severity}
POLICY = policy_with(
    platforms=(simulation.PLATFORM,),
    group_wait={},
    routing=ROUTED,
    escalate_after={Severity.CRITICAL: 120.0},
)
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

ORIGIN = Origin(topic="logs", partition=0, since="id:0")
Line = Callable[[Installation], None]


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """RocksDB's way of writing, into a dict."""
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


class Feed:
    """What detection has sent, so that what was counted can be told from it."""

    def __init__(self) -> None:
        self.offset = 0
        self.truth: dict[str, int] = {}
        self._sent: list[list[Anomalies]] = []

    def fault(self, *names: str, records: int = 3, severity: Severity = Severity.HIGH) -> Line:
        """One batch of detection with anomalies of these fingerprints, interleaved."""

        def line(installation: Installation) -> None:
            signals = []
            for place, name in enumerate(names):
                offsets = [self.offset + place + i * len(names) for i in range(records)]
                fingerprint = f"{int(name, 36):08x}"
                self.truth[fingerprint] = self.truth.get(fingerprint, 0) + records
                signals.append(anomalies(fingerprint, *offsets, severity=severity))
            self.offset += records * len(names)
            self._sent.append(signals)
            installation.signal(ORIGIN, *signals)

        return line

    def again(self, batches: int) -> Line:
        """Detection died and reads its last batches again."""

        def line(installation: Installation) -> None:
            for signals in self._sent[-batches:]:
                installation.signal(ORIGIN, *signals)

        return line


def command(action: Action, name: str, number: int) -> Line:
    """A person acts on the incident of a fault, once it is known."""

    def line(installation: Installation) -> None:
        fingerprint = f"{int(name, 36):08x}"
        for incident in installation.published().values():
            if incident.fingerprint == fingerprint:
                installation.signal(
                    Command(id=f"c{number}", incident_id=incident.id, action=action)
                )

    return line


def lives() -> tuple[Feed, list[Line]]:
    """Incidents acknowledged, resolved and firing again, rising, left to the clock's escalation."""
    feed = Feed()
    return feed, [
        feed.fault("a", "b"),
        feed.fault("a", "c", severity=Severity.LOW),
        command(Action.ACKNOWLEDGE, "a", 1),
        feed.again(2),
        command(Action.RESOLVE, "b", 2),
        feed.fault("c", severity=Severity.CRITICAL),
        command(Action.ESCALATE, "a", 3),
        feed.fault("b", "a"),
        command(Action.RESOLVE, "a", 4),
        command(Action.RESOLVE, "c", 5),
        feed.fault("b", "d"),
        feed.fault("e", severity=Severity.CRITICAL),
        feed.fault("b", "d"),
    ]


def check(installation: Installation, feed: Feed, traits: Traits) -> None:
    """What must hold in the end."""
    incidents = installation.incidents()
    counted: dict[str, int] = {}
    for incident in incidents:
        counted[incident.fingerprint] = counted.get(incident.fingerprint, 0) + incident.count
    assert counted == feed.truth
    assert installation.counted().total(["logs"]) == sum(counted.values())
    published = installation.published()
    deliveries = installation.deliveries()
    assert set(published) == {incident.id for incident in incidents}
    for incident in incidents:
        assert published[incident.id].status is incident.status
        assert published[incident.id].count == incident.count
        assert published[incident.id].revision == incident.revision
        tickets = installation.platform.of(incident.id)
        assert tickets, f"{incident.id} has no ticket"
        assert all(ticket.marked for ticket in tickets[1:]), "a repeat that does not say so"
        if traits.repeat is not Repeat.MARKED:
            assert len(tickets) == 1
        delivery = deliveries[incident.id]
        assert delivery.intent is None
        assert delivery.want is not None
        assert delivery.want.revision == published[incident.id].revision
        assert delivery.have is not None
        target = reconcile.target(incident, traits)
        known = next(t for t in tickets if t.id == delivery.have.external_id)
        if target is not TicketState.ESCALATED or Operation.ESCALATE in traits.operations:
            assert known.state is target
            assert delivery.have.state is target
        assert incident.tickets[simulation.PLATFORM].external_id == known.id
        assert incident.tickets[simulation.PLATFORM].state is delivery.have.state
    for topic in installation.world.committed:
        assert installation.world.lag(topic) == 0


async def play(
    traits: Traits,
    crashes: frozenset[int] = frozenset(),
    seed: int = 0,
    chances: Chances | None = None,
) -> tuple[Installation, Feed]:
    feed, script = lives()
    world = World(crashes=crashes, seed=seed, chances=chances)
    installation = Installation(world, POLICY, traits)
    await installation.run(script)
    return installation, feed


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("wiped", [False, True], ids=["disk kept", "disk wiped"])
async def test_a_death_at_any_step(name: str, wiped: bool) -> None:
    traits = PLATFORMS[name]
    chances = Chances(wiped=1.0 if wiped else 0.0, slow=0.3, uncommitted=0.3, lazy=0.5)
    whole, feed = await play(traits, chances=chances)
    check(whole, feed, traits)
    assert len(whole.world.steps) > 60
    for step in range(1, len(whole.world.steps) + 1):
        installation, feed = await play(traits, frozenset({step}), chances=replace(chances))
        assert installation.deaths == 1
        try:
            check(installation, feed, traits)
        except AssertionError as error:
            what = installation.world.steps[step - 1]
            raise AssertionError(f"died at step {step}, before: {what}") from error


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("seed", range(30))
async def test_many_deaths_and_a_failing_platform(name: str, seed: int) -> None:
    traits = PLATFORMS[name]
    chances = Chances(fault=0.3, uncommitted=0.4, lazy=0.5, wiped=0.3, slow=0.4)
    crashes = frozenset(World(seed=seed).random.sample(range(1, 200), 8))
    installation, feed = await play(traits, crashes, seed, chances)
    check(installation, feed, traits)


async def test_a_routing_that_changes_before_the_receipt_came_orphans_no_ticket() -> None:
    feed = Feed()
    installation = Installation(World(), POLICY, ISSUES)
    feed.fault("a")(installation)
    while not installation.platform.tickets:
        await installation.turn()
    assert not installation.incidents()[0].tickets, "the receipt is still on its way"
    installation.policy = replace(POLICY, routing={})
    installation.restart("incidents")
    command(Action.RESOLVE, "a", 1)(installation)
    await installation.run([])
    assert [ticket.state for ticket in installation.platform.tickets] == [TicketState.RESOLVED]
    check(installation, feed, ISSUES)
