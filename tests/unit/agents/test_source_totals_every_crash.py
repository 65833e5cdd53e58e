"""Wherever detection or the writer dies: records read = below + counted + dead-lettered, exactly."""

from __future__ import annotations

import json
import random

import pytest
from support import simulation
from support.configured import policy_with
from support.detecting import INPUT, SOURCE, Detection
from support.simulation import Chances, Crash, Keyed, Process, World

from agents.incidents import IncidentMachine
from tables.incidents import COUNTED
from ticketing.domain.alerts.conservation import Counted, Tally
from ticketing.domain.incidents.incident import Incident
from ticketing.engine import table
from ticketing.wire import topics
from ticketing.wire.signals import encode_signals

POLICY = policy_with()
BATCHES = 8
TURNS_MAX = 1_000


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """RocksDB's way of writing, into a dict."""
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


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
    """The input, detection and the incidents' writer; each starts anew when it dies."""

    def __init__(self, world: World, *, metadata: bool = True) -> None:
        self.world = world
        self.kept: dict[int, str] = {} if metadata else _Forgetful()
        self.detection: Detection = self._detection()
        self.writer: Keyed = self._writer()

    def _detection(self) -> Detection:
        return Detection(self.world, self.kept)

    def _writer(self) -> Keyed:
        machine = IncidentMachine(POLICY, inputs=[INPUT], partitions=1)
        return Keyed(self.world, topics.SIGNALS, "incidents", machine)

    async def turn(self) -> bool:
        """Let each read once."""
        busy = await self._lives(self.detection)
        return await self._lives(self.writer) or busy

    async def _lives(self, process: Process) -> bool:
        try:
            return await process.turn()
        except Crash:
            if process is self.detection:
                self.detection = self._detection()
            else:
                self.writer = self._writer()
            return True

    async def run(self) -> None:
        """Feed all batches, one a turn, and go on until nothing is left."""
        for number in range(BATCHES):
            for line in lines(number):
                self.world.append(INPUT, None, line)
            await self.turn()
        self.world.chances = Chances()
        # What was handled and not committed is committed with the next record.
        self.world.append(INPUT, None, b"{}")
        for _ in range(TURNS_MAX):
            if not await self.turn() and self.world.lag(INPUT) == 0:
                return
        raise AssertionError("the run does not come to rest")

    async def report(self) -> None:
        """Detection reports its progress, as every few seconds, and the writer reads the report."""
        origin = self.detection.agent.totals.origin(SOURCE)
        self.world.append(topics.SIGNALS, None, encode_signals([origin]))
        while self.world.lag(topics.SIGNALS):
            await self.turn()

    def check(self) -> None:
        """The balance of what Kafka keeps, against what was fed and against the incidents."""
        fed = [record.value or b"" for record in self.world.logs[INPUT]]
        found = self.detection.totals()
        assert found.records == len(fed)
        assert sum(found.dead.values()) == sum(value[:1] != b"{" for value in fed)
        states = self.writer.states().values()
        incidents = [state for state in states if isinstance(state, Incident)]
        assert self.counted() == sum(incident.count for incident in incidents)
        self.check_balance(found)

    def check_balance(self, found: Tally) -> None:
        """Records are below the threshold, counted or dead-lettered."""
        assert found.records == found.below + self.counted() + sum(found.dead.values())

    def counted(self) -> int:
        """The anomalies counted, as the writer has them in its table."""
        counted = self.writer.states()[COUNTED]
        assert isinstance(counted, Counted)
        return counted.total([INPUT])


class _Forgetful(dict[int, str]):
    """A broker that keeps no metadata."""

    def __setitem__(self, offset: int, note: str) -> None:
        super().__setitem__(offset, "")


async def test_the_numbers_add_up_when_nobody_dies() -> None:
    line = Line(World(chances=Chances(uncommitted=0.4, lazy=0.5)))
    await line.run()
    line.check()
    assert len(line.world.steps) > 30


@pytest.mark.parametrize("wiped", [False, True], ids=["disk kept", "disk wiped"])
async def test_the_numbers_add_up_after_a_death_at_any_step(wiped: bool) -> None:
    def chances() -> Chances:
        return Chances(uncommitted=0.4, lazy=0.5, wiped=1.0 if wiped else 0.0)

    whole = Line(World(chances=chances()))
    await whole.run()
    for step in range(1, len(whole.world.steps) + 1):
        line = Line(World(crashes=frozenset({step}), chances=chances()))
        await line.run()
        line.check()


@pytest.mark.parametrize("metadata", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("seed", range(40))
async def test_the_numbers_add_up_after_many_deaths(seed: int, metadata: bool) -> None:
    """Without metadata, on some broker, both sides begin anew at each death."""
    chance = random.Random(seed)
    crashes = frozenset(chance.randint(1, 120) for _ in range(10))
    chances = Chances(uncommitted=0.6, lazy=0.5, wiped=0.3)
    line = Line(World(crashes=crashes, seed=seed, chances=chances), metadata=metadata)
    await line.run()
    if metadata:
        line.check()
    else:
        await line.report()
        line.check_balance(line.detection.agent.totals.committed(SOURCE))
