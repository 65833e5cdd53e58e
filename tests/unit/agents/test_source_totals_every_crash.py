"""Wherever detection or the counter dies: records read = below + counted + dead-lettered, exactly."""

from __future__ import annotations

import json
import random

import pytest
from faust.types import TP
from support.alerts import DEFAULTS
from support.configured import detector_for
from support.processes import INPUT, TOPIC_ID, Detection, Keyed
from support.world import Chances, Crash, Process, World, simulate

from agents.alerts import AlertMachine
from tables.alerts import SOURCES
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.alerts.conservation import Counted, Tally
from ticketing.wire import topics
from ticketing.wire.signals import encode_signals

SOURCE = TP(INPUT, 0)
DETECTOR = detector_for({INPUT: TOPIC_ID})
BATCHES = 8
TURNS_MAX = 1_000


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """RocksDB's way of writing, into a dict."""
    simulate(monkeypatch)


def lines(seed: int) -> list[bytes]:
    """A few records: below the threshold, anomalous, and such that nobody can handle."""
    chance = random.Random(seed)
    found = []
    for _ in range(chance.randint(1, 9)):
        kind = chance.randrange(5)
        service = chance.choice(["orders", "shop"])
        if kind == 0:
            found.append(b"not JSON")
        elif kind == 1:
            found.append(b"")
        else:
            score = 0.2 if kind == 2 else 0.95
            message = chance.choice(["disk is full", "no route", "out of memory"])
            document = {"anomaly_score": score, "service": service, "message": message}
            found.append(json.dumps(document).encode())
    return found


class Line:
    """The input, detection and the counter of alerts; each starts anew when it dies."""

    def __init__(self, world: World, *, metadata: bool = True) -> None:
        self.world = world
        if not metadata:
            world.notes = _Forgetful()
        self.detection: Detection = self._detection()
        self.counter: Keyed = self._counter()

    def _detection(self) -> Detection:
        return Detection(self.world, self.world.host("a"), [0], DETECTOR)

    def _counter(self) -> Keyed:
        machine = AlertMachine(DEFAULTS, inputs=[INPUT], partitions=1)
        return Keyed(self.world, self.world.host("b"), topics.SIGNALS, [0], "alerts", machine)

    async def turn(self) -> bool:
        """Let each read once."""
        busy = await self._lives(self.detection)
        return await self._lives(self.counter) or busy

    async def _lives(self, process: Process) -> bool:
        try:
            return await process.turn()
        except Crash:
            self.world.generation += 1
            if process is self.detection:
                self.detection = self._detection()
            else:
                self.counter = self._counter()
            return True

    async def run(self) -> None:
        """Feed all batches, one a turn, and go on until nothing is left."""
        for number in range(BATCHES):
            for line in lines(number):
                self.world.append(INPUT, 0, None, line)
            await self.turn()
        self.world.chances = Chances()
        # What was handled and not committed is committed with the next record.
        self.world.append(INPUT, 0, None, b"{}")
        for _ in range(TURNS_MAX):
            if not await self.turn() and self.world.lag(INPUT) == 0:
                return
        raise AssertionError("the run does not come to rest")

    async def report(self) -> None:
        """Detection reports its progress, as every few seconds, and the counter reads the report."""
        origin = self.detection.agent.totals.origin(SOURCE)
        self.world.append(topics.SIGNALS, 0, None, encode_signals([origin]))
        while self.world.lag(topics.SIGNALS):
            await self.turn()

    def check(self) -> None:
        """The balance of what Kafka keeps, against what was fed and against the alerts."""
        fed = [record.value or b"" for record in self.world.logs[SOURCE]]
        found = self.detection.totals()
        assert found.records == len(fed)
        assert sum(found.dead.values()) == sum(value[:1] != b"{" for value in fed)
        states = self.counter.states().values()
        alerts = [state for state in states if isinstance(state, Alert)]
        assert self.counted() == sum(alert.count for alert in alerts)
        self.check_balance(found)

    def check_balance(self, found: Tally) -> None:
        """Records are below the threshold, counted or dead-lettered."""
        assert found.records == found.below + self.counted() + sum(found.dead.values())

    def counted(self) -> int:
        """The anomalies counted, as the counter has them in its table."""
        counted = self.counter.states()[SOURCES[0]]
        assert isinstance(counted, Counted)
        return counted.total([INPUT])


class _Forgetful(dict[TP, str]):
    """A broker that keeps no metadata."""

    def __setitem__(self, tp: TP, note: str) -> None:
        super().__setitem__(tp, "")


async def test_the_numbers_add_up_when_nobody_dies() -> None:
    line = Line(World(partitions=1, chances=Chances(uncommitted=0.4, lazy=0.5)))
    await line.run()
    line.check()
    assert len(line.world.steps) > 30


@pytest.mark.parametrize("wiped", [False, True], ids=["disk kept", "disk wiped"])
async def test_the_numbers_add_up_after_a_death_at_any_step(wiped: bool) -> None:
    def chances() -> Chances:
        return Chances(uncommitted=0.4, lazy=0.5, wiped=1.0 if wiped else 0.0)

    whole = Line(World(partitions=1, chances=chances()))
    await whole.run()
    for step in range(1, len(whole.world.steps) + 1):
        line = Line(World(partitions=1, crashes=frozenset({step}), chances=chances()))
        await line.run()
        line.check()


@pytest.mark.parametrize("metadata", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("seed", range(40))
async def test_the_numbers_add_up_after_many_deaths(seed: int, metadata: bool) -> None:
    """Without metadata, on some broker, both sides begin anew at each death."""
    chance = random.Random(seed)
    crashes = frozenset(chance.randint(1, 120) for _ in range(10))
    chances = Chances(uncommitted=0.6, lazy=0.5, wiped=0.3)
    line = Line(World(partitions=1, crashes=crashes, seed=seed, chances=chances), metadata=metadata)
    await line.run()
    if metadata:
        line.check()
    else:
        await line.report()
        line.check_balance(line.detection.agent.totals.committed(SOURCE))
