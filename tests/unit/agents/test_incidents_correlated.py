"""The incidents' writers and what traces say: findings, severity by reach, words between writers."""

from __future__ import annotations

from typing import Any

from support.configured import policy_with
from support.incidents import anomalies
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from ticketing.domain.alerts.fingerprint import partition_of
from ticketing.domain.events import Action, Command, Correlation
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.linking import LEASE_SECONDS
from ticketing.domain.incidents.policy import RadiusRule
from ticketing.domain.incidents.storm import overflow_fingerprint
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings, Peer, Relation
from ticketing.engine.statemachine import TICK_KEY
from ticketing.wire import signals
from ticketing.wire.topics import SIGNALS

PARTITIONS = 4
ROUTING = {Severity.CRITICAL: ("pagerduty",), Severity.HIGH: ("slack",)}


class Writers:
    """All partitions' writers with one machine each; what they say to each other is delivered."""

    def __init__(self, **policy: Any) -> None:
        known = policy_with(routing=ROUTING, **policy)
        self.partitions = [
            MemoryPartition(IncidentMachine(known, partitions=PARTITIONS), number)
            for number in range(PARTITIONS)
        ]
        self.offsets = [0] * PARTITIONS
        self.now = 1000.0
        self.cut: set[int] = set()
        """Partitions that nothing reaches."""

    def send(self, body: Any) -> None:
        partition = partition_of(body.tenant, body.service, PARTITIONS)
        self.run(partition, None, signals.encode_signals([body]))

    def command(self, incident: Incident, action: Action, to: list[str]) -> None:
        partition = int(incident.id.split("-")[1])
        body = Command(id=f"c{self.now}", incident_id=incident.id, action=action, to=to)
        self.run(partition, None, signals.encode_signals([body]))

    def pass_time(self, seconds: float, step: float = 10.0) -> None:
        for _ in range(int(seconds / step)):
            self.now += step
            for partition in range(PARTITIONS):
                self.run(partition, TICK_KEY, b"")

    def run(self, partition: int, key: bytes | None, value: bytes) -> None:
        waiting = [(partition, key, value)]
        while waiting:
            number, key, value = waiting.pop(0)
            if number in self.cut:
                continue
            for topic, _, said, target in self.fold(number, key, value):
                if topic == SIGNALS and said is not None and target is not None:
                    waiting.append((target, None, said))

    def fold(self, number: int, key: bytes | None, value: bytes) -> list[Any]:
        record = Record(value, self.offsets[number], int(self.now * 1000), key)
        self.offsets[number] += 1
        return self.partitions[number].fold([record])

    def incident(self, fingerprint: str) -> Incident:
        known: dict[str, Incident] = {}
        for partition in self.partitions:
            known.update(partition.incidents())
        return known[fingerprint]

    def opens(self, fingerprint: str, service: str, **fields: Any) -> None:
        known = {"service": service, "source": f"{service}-0"}
        self.send(anomalies(fingerprint, 1, **{**known, **fields}))

    def finds(self, fingerprint: str, service: str, *peers: Peer, **fields: Any) -> None:
        values: dict[str, Any] = {"since": 10.0, "until": 11.0, "traces": 3, "peers": list(peers)}
        found = Findings(**{**values, **fields})
        self.send(Correlation(tenant="t", service=service, fingerprint=fingerprint, findings=found))


def cause(fingerprint: str, service: str) -> Peer:
    return Peer(fingerprint=fingerprint, service=service, relation=Relation.CAUSE, traces=3)


def two(**policy: Any) -> Writers:
    """A cause and a symptom whose incidents have writers of different partitions."""
    assert partition_of("t", "stock", PARTITIONS) != partition_of("t", "shop", PARTITIONS)
    writers = Writers(**policy)
    writers.opens("aa", "stock")
    writers.opens("bb", "shop", severity=Severity.CRITICAL)
    writers.finds("bb", "shop", cause("aa", "stock"))
    return writers


def test_findings_reach_the_incident_that_the_fingerprint_has() -> None:
    writers = Writers()
    writers.opens("aa", "stock")
    candidates = [Candidate(service="db", score=3.0, share=0.9)]
    writers.finds("aa", "stock", candidates=candidates, affected_services=["shop"])
    incident = writers.incident("aa")
    assert incident.correlation is not None
    assert incident.correlation.root_cause == candidates[0]
    assert incident.reach == ["stock", "shop"]
    assert incident.timeline[-1].text == "likely cause: db"


def test_findings_about_an_incident_that_is_not_there_are_nobodys() -> None:
    writers = Writers()
    writers.finds("aa", "stock", cause("bb", "shop"))
    assert all(not partition.table.rows for partition in writers.partitions)


def test_findings_of_a_pattern_that_overflowed_go_to_the_overflow_incident() -> None:
    writers = Writers(max_patterns_per_service=1)
    writers.opens("aa", "stock")
    writers.opens("bb", "stock", source="other")
    writers.finds("bb", "stock", candidates=[Candidate(service="db", score=3.0)])
    overflow = writers.incident(overflow_fingerprint("t", "stock"))
    assert overflow.correlation is not None


def test_only_a_large_blast_radius_raises_the_severity() -> None:
    rules = (RadiusRule(to=Severity.CRITICAL, services=3, failing_share=0.5),)
    writers = Writers(raise_severity=rules)
    writers.opens("aa", "stock")
    small = BlastRadius(services=3, failing_share=0.4)
    writers.finds("aa", "stock", blast_radius=small)
    assert writers.incident("aa").severity is Severity.HIGH
    large = BlastRadius(services=3, failing_share=0.5)
    writers.finds("aa", "stock", blast_radius=large)
    incident = writers.incident("aa")
    assert incident.severity is Severity.CRITICAL
    assert incident.routes == ["slack", "pagerduty"]


def test_a_rule_without_bounds_raises_nothing() -> None:
    assert not RadiusRule(to=Severity.CRITICAL).reached(BlastRadius(services=100))


def test_incidents_of_different_writers_get_to_know_each_other() -> None:
    writers = two()
    symptom, origin = writers.incident("bb"), writers.incident("aa")
    assert [(link.id, link.relation) for link in symptom.links] == [(origin.id, Relation.CAUSE)]
    assert [(link.id, link.relation) for link in origin.links] == [(symptom.id, Relation.SYMPTOM)]
    writers.pass_time(60.0)
    assert writers.incident("bb").ticketed
    assert writers.incident("aa").ticketed


def test_the_causes_open_ticket_covers_the_symptom() -> None:
    writers = two(hold_symptoms=True)
    writers.pass_time(3 * LEASE_SECONDS)
    symptom, origin = writers.incident("bb"), writers.incident("aa")
    assert (symptom.ticketed, symptom.held_by) == (False, origin.id)
    assert origin.ticketed
    assert origin.severity is Severity.CRITICAL
    assert set(origin.routes) == {"slack", "pagerduty"}


def test_when_the_cause_is_resolved_the_symptom_gets_its_ticket() -> None:
    writers = two(hold_symptoms=True)
    writers.command(writers.incident("aa"), Action.RESOLVE, [])
    symptom = writers.incident("bb")
    assert (symptom.ticketed, symptom.held_by) == (True, "")


def test_a_cause_whose_writer_falls_silent_loses_its_symptom() -> None:
    writers = two(hold_symptoms=True)
    writers.cut.add(partition_of("t", "stock", PARTITIONS))
    writers.pass_time(LEASE_SECONDS + 20.0)
    assert writers.incident("bb").ticketed


def test_a_symptom_that_gets_worse_makes_its_causes_ticket_as_severe() -> None:
    writers = Writers(hold_symptoms=True)
    writers.opens("aa", "stock")
    writers.opens("bb", "shop")
    writers.finds("bb", "shop", cause("aa", "stock"))
    writers.opens("bb", "shop", severity=Severity.CRITICAL, windows={0: [2]})
    writers.pass_time(20.0)
    assert writers.incident("aa").severity is Severity.CRITICAL
    assert not writers.incident("bb").ticketed


def test_an_undone_link_is_gone_on_both_sides_and_stays_so() -> None:
    writers = two(hold_symptoms=True)
    writers.command(writers.incident("bb"), Action.UNLINK, [writers.incident("aa").id])
    writers.finds("bb", "shop", cause("aa", "stock"), traces=4)
    symptom, origin = writers.incident("bb"), writers.incident("aa")
    assert (symptom.links, origin.links, origin.symptoms) == ([], [], [])
    assert symptom.ticketed
    assert (symptom.unlinked, origin.unlinked) == (["aa"], ["bb"])


def test_tenants_never_hear_of_each_other() -> None:
    writers = Writers()
    writers.opens("aa", "stock", tenant="other")
    writers.opens("bb", "shop")
    writers.finds("bb", "shop", cause("aa", "stock"))
    assert writers.incident("aa").links == []
