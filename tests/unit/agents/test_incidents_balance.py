"""What the writer has counted is what its incidents have: with dead letters, redriven, and deaths."""

from __future__ import annotations

from typing import Any

import pytest
from support import simulation
from support.configured import policy_with
from support.incidents import anomalies
from support.simulation import Crash, Keyed, World

from agents.incidents import IncidentMachine
from tables.incidents import COUNTED
from ticketing.domain.alerts.conservation import Counted
from ticketing.domain.incidents import lifecycle
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.signals import Anomalies, Origin
from ticketing.engine import table
from ticketing.engine.row import pack
from ticketing.wire import signals, topics
from ticketing.wire.dead_letters import decode_dead_letter

LOGS = Origin(topic="logs", partition=0, since="id:0")
TURNS_MAX = 50


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """RocksDB's way of writing, into a dict."""
    monkeypatch.setattr(table, "WriteBatch", simulation.Batch)


def of_logs(fingerprint: str, *offsets: int) -> Anomalies:
    return anomalies(fingerprint, *offsets, source="id:0:2")


class Writer:
    """The incidents' agent with its world, started again whenever it dies."""

    def __init__(self, crashes: frozenset[int] = frozenset()) -> None:
        self.world = World(crashes=crashes)
        self.process = self._started()

    def _started(self) -> Keyed:
        machine = IncidentMachine(policy_with(), inputs=["logs"], partitions=1)
        return Keyed(self.world, topics.SIGNALS, "incidents", machine)

    def send(self, *bodies: Any) -> None:
        self.world.append(topics.SIGNALS, None, signals.encode_signals(list(bodies)))

    def redrive(self) -> None:
        """Every dead letter there is, once."""
        letters = [record.value or b"" for record in self.world.logs.get(topics.DEAD_LETTERS, [])]
        for letter in dict.fromkeys(decode_dead_letter(value).value or b"" for value in letters):
            self.world.append(topics.SIGNALS, None, signals.as_redriven(letter))

    async def rest(self) -> None:
        for _ in range(TURNS_MAX):
            try:
                if not await self.process.turn():
                    return
            except Crash:
                self.process = self._started()
        raise AssertionError("the writer does not come to rest")

    def counts(self) -> tuple[int, int]:
        """Told beside the incidents, and the sum over them."""
        states = self.process.states()
        counted = states[COUNTED]
        assert isinstance(counted, Counted)
        incidents = [state for state in states.values() if isinstance(state, Incident)]
        return counted.total(["logs"]), sum(incident.count for incident in incidents)


async def played(monkeypatch: pytest.MonkeyPatch, crashes: frozenset[int]) -> Writer:
    """Anomalies of which a fingerprint fails, until it does not and its letter is redriven."""
    opened = lifecycle.opened

    def failing(signal: Anomalies, *args: Any, **kwargs: Any) -> Incident:
        if signal.fingerprint == "bb":
            raise KeyError("k")
        return opened(signal, *args, **kwargs)

    writer = Writer(crashes)
    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "opened", failing)
        writer.send(LOGS, of_logs("aa", 1, 4), of_logs("bb", 2, 3))
        await writer.rest()
        writer.send(LOGS, of_logs("cc", 5, 7))
        await writer.rest()
        assert writer.counts() == (4, 4)
    writer.redrive()
    writer.send(LOGS, of_logs("aa", 8))
    await writer.rest()
    writer.redrive()
    await writer.rest()
    return writer


async def test_what_was_refused_counts_once_it_is_redriven(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = await played(monkeypatch, frozenset())
    assert writer.counts() == (7, 7)
    for step in range(1, len(writer.world.steps) + 1):
        assert (await played(monkeypatch, frozenset({step}))).counts() == (7, 7), step


async def test_a_count_that_cannot_be_read_stops_nothing() -> None:
    writer = Writer()
    writer.send(LOGS, of_logs("aa", 1))
    await writer.rest()
    row = pack(0, None, b'{"counted":7}')
    writer.process.agent.table.data.rows[COUNTED.encode()] = row
    writer.send(LOGS, of_logs("aa", 2), of_logs("bb", 3))
    writer.world.append(
        topics.SIGNALS, None, signals.as_redriven(signals.encode_signals([of_logs("cc", 0)]))
    )
    await writer.rest()
    rows = writer.process.agent.table.data.rows
    assert rows.pop(COUNTED.encode()) == row
    states = writer.process.states().values()
    assert sum(state.count for state in states if isinstance(state, Incident)) == 4
