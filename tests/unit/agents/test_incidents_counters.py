"""The counters of incidents: each change counts once, and only when it is durable."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.configured import policy_with
from support.incidents import anomalies
from support.partition import MemoryTable

from agents.incidents import IncidentMachine
from tables.incidents import encode, is_open, is_stored_open
from ticketing import metrics
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.storm import Guard
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress
from ticketing.engine.statemachine import (
    TICK_KEY,
    PartitionState,
    Transaction,
    fold,
    pack,
    scan,
)
from ticketing.wire.signals import encode_signals

POLICY = policy_with(
    platforms=("slack",), routing={Severity.HIGH: ("slack",)}, escalation_to=("a-team",)
)


class Counts:
    """What the counters of one name have risen by since it was made."""

    def __init__(self, name: str, label: str) -> None:
        self._name, self._label = f"ticketing_{name}", label
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        return {
            sample.labels[self._label]: sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name == self._name
        }

    def risen(self) -> dict[str, float]:
        now = self._read()
        risen = {value: now[value] - self._before.get(value, 0.0) for value in now}
        return {value: by for value, by in risen.items() if by}


class Writer:
    """A partition's writer over a table in memory."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.machine = IncidentMachine(policy, partitions=1)
        self.store = MemoryTable()
        self.state = PartitionState()
        self.now = 1000.0
        self.offset = 0

    def send(self, *bodies: Any, durable: bool = True) -> list[Any]:
        return self.run(None, encode_signals(list(bodies)), durable)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.run(TICK_KEY, b"{}", True)

    def run(self, key: bytes | None, value: bytes, durable: bool) -> list[Any]:
        record = SimpleNamespace(
            key=key, value=value, offset=self.offset, timestamp=int(self.now * 1000)
        )
        self.offset += 1
        tx: Transaction[Any] = Transaction(self.store, self.machine, 0)
        dead = fold(self.machine, tx, [record], self.state).dead
        if durable:
            for name, write in tx.writes():
                encoded = self.machine.encode(write.state)
                self.store.rows[name] = pack(write.at, write.due, encoded)
            for callback in tx.callbacks():
                callback()
        return dead

    def incident(self, fingerprint: str = "aa") -> Incident:
        tx: Transaction[Any] = Transaction(self.store, self.machine, 0)
        found = tx.get(fingerprint)
        assert isinstance(found, Incident)
        return found

    def command(self, action: Action, by: str = "sam") -> None:
        id = f"{action.value}-{self.offset}"
        self.send(Command(id=id, incident_id=self.incident().id, action=action, by=by))


def test_opening_resolving_and_reopening_count_by_severity() -> None:
    opened, resolved, reopened = (
        Counts(f"incidents_{what}_total", "severity") for what in ("opened", "resolved", "reopened")
    )
    writer = Writer()
    writer.send(anomalies("aa", 1))
    writer.send(anomalies("aa", 2))
    assert (opened.risen(), resolved.risen()) == ({"high": 1}, {})
    writer.command(Action.RESOLVE)
    writer.send(anomalies("aa", 3))
    assert (opened.risen(), resolved.risen(), reopened.risen()) == ({"high": 1},) * 3


def test_an_escalation_counts_by_who_asked() -> None:
    escalated = Counts("incidents_escalated_total", "by")
    writer = Writer(
        policy_with(escalate_after={Severity.HIGH: 60.0}, group_wait={Severity.HIGH: 0.0})
    )
    writer.send(anomalies("aa", 1), anomalies("bb", 1, service="other"))
    writer.command(Action.ESCALATE, by="policy-minded sam")
    assert escalated.risen() == {"command": 1}
    writer.tick(61.0)
    assert escalated.risen() == {"command": 1, "policy": 1}


def test_an_incident_behind_an_umbrella_counts_as_held() -> None:
    held = Counts("incidents_held_total", "guard")
    opened = Counts("incidents_opened_total", "severity")
    writer = Writer(
        policy_with(
            platforms=("slack",), routing={Severity.HIGH: ("slack",)}, max_pages_per_minute=1
        )
    )
    writer.send(anomalies("aa", 1), anomalies("bb", 1), anomalies("cc", 1))
    assert held.risen() == {"umbrella": 2}
    assert opened.risen() == {"high": 4}, "the umbrella is an incident as well"


def test_signals_count_by_kind() -> None:
    signals = Counts("signals_total", "kind")
    writer = Writer()
    progress = Progress(topic="t", partition=0, partitions=1, through=1.0)
    writer.send(anomalies("aa", 1), anomalies("bb", 1), progress)
    assert signals.risen() == {"anomalies": 2, "progress": 1}


def test_a_signal_that_fails_does_not_count_and_its_neighbours_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals = Counts("signals_total", "kind")
    writer = Writer()
    monkeypatch.setattr(writer.machine, "_correlated", None)
    monkeypatch.setattr(writer.machine, "_apply_to_incident", None)
    command = Command(id="c", incident_id="aa-0-0", action=Action.RESOLVE)
    assert writer.send(anomalies("aa", 1), command)
    assert signals.risen() == {"anomalies": 1.0}


def test_what_is_not_durable_does_not_count() -> None:
    counts = [
        Counts("incidents_opened_total", "severity"),
        Counts("signals_total", "kind"),
    ]
    Writer().send(anomalies("aa", 1), durable=False)
    assert [count.risen() for count in counts] == [{}, {}]


def test_open_incidents_are_known_during_a_run_and_from_the_table_alone() -> None:
    writer = Writer(policy_with(reopen_window=10.0))
    writer.send(anomalies("aa", 1), anomalies("bb", 1), anomalies("cc", 1))
    assert writer.state.unfinished == {"aa", "bb", "cc"}
    writer.command(Action.RESOLVE)
    assert writer.state.unfinished == {"bb", "cc"}
    writer.now += 100.0
    writer.send(anomalies("aa", 2))
    assert writer.incident().episode == 2
    assert writer.state.unfinished == {"aa", "bb", "cc"}, "the archived episode is over"
    again = PartitionState()
    tx: Transaction[Any] = Transaction(writer.store, writer.machine, 0)
    scan(writer.machine, tx, again, writer.offset, writer.now)
    assert again.unfinished == writer.state.unfinished


def test_a_stored_record_tells_whether_it_is_open() -> None:
    writer = Writer()
    writer.send(anomalies("aa", 1))
    writer.command(Action.RESOLVE)
    resolved = writer.incident()
    writer.command(Action.REOPEN)
    for record in (resolved, writer.incident(), Guard()):
        assert is_stored_open(encode(record)) == is_open(record)
    assert is_open(writer.incident())
