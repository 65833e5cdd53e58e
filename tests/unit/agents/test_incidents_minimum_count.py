"""The writer of incidents with `anomaly.minimumCount`: counted at once, ticketed when it is enough."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.configured import policy_with
from support.incidents import anomalies
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from ticketing.domain.events import Action, Command, Correlation
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.incidents.policy import Policy, RadiusRule
from ticketing.domain.incidents.storm import umbrella_fingerprint
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress
from ticketing.domain.traces.findings import BlastRadius, Findings, Peer, Relation
from ticketing.engine.statemachine import TICK_KEY
from ticketing.view.document import detail_document
from ticketing.wire import signals, topics
from ticketing.wire.incidents import decode_incident

ROUTING = dict.fromkeys(Severity, ("slack",))
COUNTS = {Severity.CRITICAL: 1, Severity.HIGH: 3, Severity.MEDIUM: 5}


def policy(**changes: Any) -> Policy:
    given = {"minimum_count": COUNTS, "group_wait": {Severity.HIGH: 30.0}, **changes}
    return policy_with(routing=ROUTING, **given)


class Desk:
    """One partition of the signals and its writer; `published` holds what others see."""

    def __init__(self, rules: Policy | None = None) -> None:
        self.partition = MemoryPartition(IncidentMachine(rules or policy(), partitions=1))
        self.log: list[Record] = []
        self.published: list[Incident] = []
        self.said: list[Any] = []

    def record(self, *bodies: Any, at: float) -> Record:
        value = signals.encode_signals(list(bodies))
        self.log.append(Record(value, len(self.log), int(at * 1000)))
        return self.log[-1]

    def send(self, *bodies: Any, at: float = 1000.0) -> None:
        self.fold([self.record(*bodies, at=at)])

    def tick(self, at: float) -> None:
        self.log.append(Record(b"", len(self.log), int(at * 1000), TICK_KEY))
        self.fold(self.log[-1:])

    def fold(self, records: list[Record], writes: int | None = None) -> None:
        for topic, _, value, _ in self.partition.fold(records, writes):
            if topic == topics.INCIDENTS and value is not None:
                self.published.append(decode_incident(value))
            elif topic == topics.SIGNALS and value is not None:
                self.said += signals.decode_signals(value)

    def one(self, key: str = "aa") -> Incident:
        return self.partition.incidents()[key]


def test_an_incident_is_seen_at_once_and_ticketed_with_the_last_occurrence_it_needs() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    (seen,) = desk.published
    assert (seen.count, seen.ticketed, seen.waits_for) == (1, False, 3)
    document = detail_document(seen)
    assert document["waitingFor"] == {"occurrences": 3}
    assert [step["kind"] for step in document["timeline"]] == ["opened", "held"]
    desk.send(anomalies("aa", 2), at=1100.0)
    desk.tick(1200.0)
    assert not desk.one().ticketed
    desk.send(anomalies("aa", 3), at=1300.0)
    assert desk.one().ticketed
    assert (desk.published[-1].ticketed, desk.published[-1].count) == (True, 3)
    assert desk.one().timeline[-1].kind is StepKind.TICKETED
    assert detail_document(desk.one())["waitingFor"] is None


def test_enough_occurrences_at_once_wait_for_nothing_but_the_group() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2, 3))
    assert [step.kind for step in desk.one().timeline] == [StepKind.OPENED]
    desk.tick(1029.0)
    assert not desk.one().ticketed
    desk.tick(1030.0)
    assert desk.one().ticketed


def test_enough_within_the_group_wait_is_ticketed_at_its_end() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(anomalies("aa", 2, 3), at=1010.0)
    assert (desk.one().ticketed, desk.one().waits_for) == (False, 0)
    desk.tick(1030.0)
    assert desk.one().ticketed


def test_without_a_group_wait_the_third_occurrence_is_the_ticket() -> None:
    desk = Desk(policy(group_wait={}))
    for offset in (1, 2):
        desk.send(anomalies("aa", offset))
    assert not desk.one().ticketed
    desk.send(anomalies("aa", 3))
    assert desk.one().ticketed


def test_occurrences_of_several_windows_are_not_added_up() -> None:
    desk = Desk(policy(group_wait={}))
    for window in range(6):
        at = window * 900.0
        desk.send(
            anomalies("aa", windows={int(at): [window]}, first_seen=at, last_seen=at), at=1000 + at
        )
    assert (desk.one().count, desk.one().ticketed) == (6, False)
    last = anomalies("aa", windows={4500: [7, 8]}, first_seen=4501.0, last_seen=4502.0)
    desk.send(last, at=6000.0)
    assert desk.one().ticketed


def test_a_rise_of_the_severity_brings_its_bound_at_once() -> None:
    desk = Desk(policy(group_wait={}))
    desk.send(anomalies("aa", 1))
    desk.send(anomalies("aa", 2, severity=Severity.CRITICAL))
    assert (desk.one().severity, desk.one().ticketed) == (Severity.CRITICAL, True)


def test_a_higher_bound_of_a_higher_severity_is_what_it_waits_for() -> None:
    desk = Desk(policy(minimum_count={Severity.MEDIUM: 2, Severity.HIGH: 4}, group_wait={}))
    desk.send(anomalies("aa", 1, severity=Severity.MEDIUM))
    desk.send(anomalies("aa", 2, severity=Severity.HIGH))
    assert (desk.one().ticketed, desk.one().waits_for) == (False, 4)
    assert desk.published[-1].waits_for == 4


def test_a_services_own_bound() -> None:
    desk = Desk(policy(group_wait={}, minimum_count_by_service={"s": {Severity.HIGH: 2}}))
    desk.send(anomalies("aa", 1))
    desk.send(anomalies("bb", 2, service="other"))
    desk.send(anomalies("aa", 3))
    desk.send(anomalies("bb", 4, service="other"))
    assert desk.one("aa").ticketed
    assert not desk.one("bb").ticketed


@pytest.mark.parametrize(
    ("action", "more"), [(Action.ESCALATE, {}), (Action.FORWARD, {"to": ["slack"]})]
)
def test_a_person_does_not_wait(action: Action, more: dict[str, Any]) -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(Command(id="c", incident_id=desk.one().id, action=action, **more))
    assert (desk.one().ticketed, desk.one().waits_for) == (True, 0)


def test_an_incident_that_never_gets_there_is_resolved_like_any_other() -> None:
    desk = Desk(policy(auto_resolve_after=600.0))
    desk.send(anomalies("aa", 1))
    through = Progress(topic="enriched-logs", partition=0, partitions=1, through=5000.0)
    desk.send(through, at=5000.0)
    desk.tick(5000.0)
    assert (desk.one().status, desk.one().ticketed) == (Status.RESOLVED, False)
    assert "fewer than 3 occurrences" in desk.one().timeline[-1].text


def test_it_waits_on_when_it_fires_again_and_counts_what_was() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2))
    desk.send(Command(id="c", incident_id=desk.one().id, action=Action.RESOLVE))
    desk.send(anomalies("aa", 3), at=1100.0)
    assert (desk.one().status, desk.one().ticketed, desk.one().waits_for) == (Status.OPEN, False, 0)
    desk.tick(1130.0)
    assert desk.one().ticketed


def test_the_next_episode_waits_anew() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2, 3))
    desk.tick(1030.0)
    desk.send(Command(id="c", incident_id=desk.one().id, action=Action.RESOLVE), at=1100.0)
    desk.send(anomalies("aa", 4), at=9000.0)
    assert (desk.one().episode, desk.one().waits_for) == (2, 3)
    desk.tick(9999.0)
    assert not desk.one().ticketed


def test_a_lower_bound_after_a_restart_frees_what_waits() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2))
    desk.partition.machine = IncidentMachine(policy(minimum_count={Severity.HIGH: 2}), partitions=1)
    desk.tick(1000.0 + policy().retention_recheck_every)
    assert desk.one().ticketed
    assert desk.published[-1].ticketed


def test_what_waits_takes_no_place_below_the_ceiling_of_pages_and_opens_no_umbrella() -> None:
    desk = Desk(policy(group_wait={}, max_pages_per_minute=1))
    for offset, name in enumerate(("aa", "bb", "cc")):
        desk.send(anomalies(name, offset))
    assert umbrella_fingerprint("t", 0) not in desk.partition.incidents()
    desk.send(anomalies("bb", 10, 11))
    assert (desk.one("bb").ticketed, desk.one("bb").held_by) == (True, "")
    desk.send(anomalies("cc", 12, 13))
    umbrella = desk.one(umbrella_fingerprint("t", 0))
    assert (desk.one("cc").ticketed, desk.one("cc").held_by) == (False, umbrella.id)
    assert umbrella.ticketed


def test_a_symptom_that_waits_does_not_make_its_cause_speak() -> None:
    desk = Desk(policy(hold_symptoms=True))
    peer = Peer(fingerprint="bb", service="s", traces=3, relation=Relation.CAUSE)
    findings = Findings(since=1.0, until=2.0, traces=3, peers=[peer])
    desk.send(anomalies("aa", 1))
    desk.send(Correlation(tenant="t", service="s", fingerprint="aa", findings=findings))
    assert [message.word.value for message in desk.said] == ["hello"]


def test_a_blast_radius_that_raises_the_severity_frees_at_once() -> None:
    rule = RadiusRule(to=Severity.CRITICAL, services=5)
    desk = Desk(policy(group_wait={}, raise_severity=(rule,)))
    desk.send(anomalies("aa", 1))
    findings = Findings(
        since=1.0, until=2.0, traces=3, blast_radius=BlastRadius(services=9, endpoints=1)
    )
    desk.send(Correlation(tenant="t", service="s", fingerprint="aa", findings=findings))
    assert (desk.one().severity, desk.one().ticketed) == (Severity.CRITICAL, True)


NAMES = ("aa", "bb", "cc")


@settings(max_examples=300, deadline=None)
@given(
    runs=st.lists(
        st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 2)), min_size=1, max_size=3),
        min_size=1,
        max_size=12,
    ),
    bound=st.integers(1, 5),
    pages=st.sampled_from([0, 1, 2]),
    data=st.data(),
)
def test_replays_and_crashes_decide_the_same_tickets(
    runs: list[list[tuple[str, int]]], bound: int, pages: int, data: st.DataObject
) -> None:
    """A writer that dies in the middle of its writes ends like one that never did."""
    rules = policy(group_wait={}, minimum_count={Severity.HIGH: bound}, max_pages_per_minute=pages)
    calm, stormy = Desk(rules), Desk(rules)
    offset = 0
    for number, run in enumerate(runs):
        bodies, totals = [], dict.fromkeys(NAMES, 0)
        for name, count in run:
            totals[name] += count
        for name, count in totals.items():
            if count:
                bodies.append(anomalies(name, *range(offset, offset + count)))
                offset += count
        for desk in (calm, stormy):
            desk.record(*bodies, at=1000.0 + number)
    for record in calm.log:
        calm.fold([record])
    done = 0
    while done < len(stormy.log):
        end = data.draw(st.integers(done + 1, len(stormy.log)))
        if data.draw(st.booleans()):
            stormy.fold(stormy.log[done:end], data.draw(st.integers(0, 6)))
            stormy.partition.restart()
        else:
            stormy.fold(stormy.log[done:end])
            done = end
    wanted, found = calm.partition.incidents(), stormy.partition.incidents()
    assert {key: one.count for key, one in found.items()} == {
        key: one.count for key, one in wanted.items()
    }
    for key, one in wanted.items():
        assert (found[key].ticketed, found[key].waits_for) == (one.ticketed, one.waits_for)
        if one.kind.value == "pattern":
            assert (one.ticketed or bool(one.held_by)) is (one.count >= bound)
