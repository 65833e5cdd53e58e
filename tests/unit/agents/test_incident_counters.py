"""The counters of incidents: each change counts once, and only when it is durable."""

from __future__ import annotations

from typing import Any

import pytest
from support.configured import policy_with
from support.incident_desk import ROUTING, Desk
from support.incidents import again, alert, later

from ticketing import metrics
from ticketing.domain.events import Action, Command
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress
from ticketing.engine.statemachine import PartitionState, fold, scan

AT = 1000.0


class Counts:
    """What the counters of one name have risen by since it was made."""

    def __init__(self, name: str, label: str = "") -> None:
        self._name, self._label = f"ticketing_{name}", label
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        return {
            sample.labels.get(self._label, ""): sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name == self._name
        }

    def risen(self) -> dict[str, float]:
        now = self._read()
        risen = {value: now[value] - self._before.get(value, 0.0) for value in now}
        return {value: by for value, by in risen.items() if by}


def test_opening_resolving_and_reopening_count_by_severity() -> None:
    opened, resolved, reopened = (
        Counts(f"incidents_{what}_total", "severity") for what in ("opened", "resolved", "reopened")
    )
    desk = Desk()
    state = alert("aa", at=AT)
    desk.send(state)
    desk.send(later(state, 2, at=AT + 1))
    assert (opened.risen(), resolved.risen()) == ({"high": 1}, {})
    desk.command(desk.one(), Action.RESOLVE)
    desk.send(again(state, at=AT + 10), at=AT + 10)
    assert (opened.risen(), resolved.risen(), reopened.risen()) == ({"high": 1},) * 3


def test_pages_count_by_severity() -> None:
    pages = Counts("pages_total", "severity")
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    state = alert("aa", at=AT)
    desk.send(state)
    desk.send(later(state, 2, at=AT + 1, severity=Severity.CRITICAL), at=AT + 1)
    assert pages.risen() == {"high": 1, "critical": 1}


def test_an_escalation_counts_by_who_asked() -> None:
    escalated = Counts("incidents_escalated_total", "by")
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, escalate_after={Severity.HIGH: 60.0}))
    desk.send(alert("aa", at=AT), alert("bb", at=AT))
    desk.command(desk.of("aa"), Action.ESCALATE, to=["payments"])
    assert escalated.risen() == {"command": 1}
    desk.tick(AT + 61.0)
    assert escalated.risen() == {"command": 1, "policy": 1}


def test_an_incident_above_a_ceiling_counts_as_held() -> None:
    held = Counts("incidents_held_total")
    opened = Counts("incidents_opened_total", "severity")
    desk = Desk(policy_with(routing=ROUTING, group_wait={}, max_pages_per_scope=1))
    desk.send(alert("aa", at=AT), alert("bb", at=AT), alert("cc", at=AT))
    assert held.risen() == {"": 2}
    assert opened.risen() == {"high": 4}, "the collective incident is one as well"


def test_events_count_by_kind() -> None:
    counts = Counts("events_total", "kind")
    progress = Progress(topic="t", partition=0, partitions=1, through=1.0)
    Desk().send(alert("aa", at=AT), alert("bb", at=AT), progress)
    assert counts.risen() == {"alert": 2, "progress": 1}


def test_an_event_that_fails_does_not_count_and_its_neighbours_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = Counts("events_total", "kind")
    desk = Desk()
    monkeypatch.setattr("agents.incidents.IncidentCommands", None)
    command = Command(id="c", incident_id="x", action=Action.RESOLVE)
    tx: Any = desk.partition.transaction()
    record = desk.record(alert("aa", at=AT), command)
    folded = fold(desk.partition.machine, tx, [record], desk.partition.state)
    for callback in tx.callbacks():
        callback()
    assert len(folded.dead) == 1
    assert counts.risen() == {"alert": 1}


def test_what_is_not_durable_does_not_count() -> None:
    counts = [Counts("incidents_opened_total", "severity"), Counts("events_total", "kind")]
    desk = Desk()
    tx = desk.partition.transaction()
    fold(desk.partition.machine, tx, [desk.record(alert("aa", at=AT))], desk.partition.state)
    assert tx.callbacks()
    assert [count.risen() for count in counts] == [{}, {}]


def test_open_incidents_are_known_during_a_run_and_from_the_table_alone() -> None:
    desk = Desk()
    desk.send(alert("aa", at=AT), alert("bb", at=AT))
    desk.command(desk.of("aa"), Action.RESOLVE)
    assert desk.partition.state.unfinished == {desk.of("bb").id}
    again_state = PartitionState()
    scan(desk.partition.machine, desk.partition.transaction(), again_state, desk.offset, desk.now)
    assert again_state.unfinished == {desk.of("bb").id}
