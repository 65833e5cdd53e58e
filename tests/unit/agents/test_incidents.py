"""The writer of incidents, folded over a small in-memory table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configured import policy_with
from support.incidents import anomalies
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from ticketing import metrics
from ticketing.config import PLATFORMS
from ticketing.domain.alerts.fingerprint import stray_fingerprint
from ticketing.domain.events import Action, Command, Receipt, TicketState
from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind
from ticketing.domain.incidents.linking import Linked, Word
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.storm import (
    group_fingerprint,
    overflow_fingerprint,
    umbrella_fingerprint,
)
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Origin, Progress
from ticketing.engine.statemachine import TICK_KEY, fold
from ticketing.wire import signals
from ticketing.wire.incidents import decode_incident

ROUTING = {
    Severity.CRITICAL: ("pagerduty", "slack"),
    Severity.HIGH: ("slack",),
    Severity.MEDIUM: ("slack",),
}
POLICY = policy_with(routing=ROUTING, auto_resolve_after=600.0)


def as_published(incident: Incident) -> Incident:
    """Watermarks are the writer's alone."""
    return replace(incident, watermarks={})


class Desk:
    """One partition: messages get offsets, batches are folded, writes and sends are kept."""

    def __init__(self, policy: Policy = POLICY, **options: Any) -> None:
        self.partition = MemoryPartition(IncidentMachine(policy, partitions=1, **options))
        self.offset = 0
        self.now = 1000.0
        self.published: list[tuple[str, Incident | None]] = []

    def send(self, *bodies: Any, at: float | None = None) -> None:
        self.run([self.record(*bodies, at=at)])

    def record(self, *bodies: Any, at: float | None = None) -> Any:
        self.now = self.now if at is None else at
        value = signals.encode_signals(list(bodies))
        found = Record(value, self.offset, int(self.now * 1000))
        self.offset += 1
        return found

    def tick(self, at: float) -> None:
        self.now = at
        tick = Record(b"", self.offset, int(at * 1000), TICK_KEY)
        self.offset += 1
        self.run([tick])

    def run(self, records: list[Any], writes: int | None = None) -> None:
        """Fold a batch. `writes`: how many of its writes reach the disk before a crash."""
        for _, key, value, _ in self.partition.fold(records, writes):
            assert key is not None
            found = None if value is None else decode_incident(value)
            self.published.append((key, found))

    def incidents(self) -> dict[str, Incident]:
        return self.partition.incidents()

    def one(self) -> Incident:
        (incident,) = self.incidents().values()
        return incident


def command(incident_id: str, action: Action, id: str = "c1", **fields: Any) -> Command:
    return Command(id=id, incident_id=incident_id, action=action, **fields)


def test_same_fault_joins_the_open_incident() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2))
    desk.send(anomalies("aa", 2, 3, 4))
    assert desk.one().count == 4
    assert desk.one().id == "aa-0-0"
    assert desk.one().windows == [(0, 4)]
    assert len(desk.published) == 1


def test_counts_alone_are_published_after_a_while_and_once() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(anomalies("aa", 2))
    desk.send(anomalies("aa", 3))
    desk.tick(1001.5)
    desk.tick(1002.5)
    assert [(found.revision, found.count) for _, found in desk.published if found] == [
        (1, 1),
        (2, 3),
    ]


def test_a_ticket_is_due_when_the_group_wait_is_over() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.tick(1029.0)
    assert not desk.one().ticketed
    desk.tick(1030.0)
    assert desk.one().ticketed
    assert desk.published[-1][1] == as_published(desk.one())
    assert desk.one().revision == 2


def test_without_group_wait_the_opening_publication_is_ticketed() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_wait={}))
    desk.send(anomalies("aa", 1))
    ((_, published),) = desk.published
    assert published is not None
    assert (published.ticketed, published.revision, published.routes) == (True, 1, ["slack"])


def test_a_fault_that_fires_soon_after_its_resolution_reopens_its_incident() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.tick(1030.0)
    desk.send(command("aa-0-0", Action.RESOLVE))
    desk.send(anomalies("aa", 2), at=1100.0)
    found = desk.one()
    assert (found.id, found.status, found.ticketed, found.count) == (
        "aa-0-0",
        Status.OPEN,
        True,
        2,
    )
    assert found.resolved_at is None


def test_a_late_fault_starts_an_episode_and_archives_the_last() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1, 2))
    desk.send(command("aa-0-0", Action.RESOLVE))
    desk.send(anomalies("aa", 2, 3), at=5000.0)
    found = desk.incidents()
    assert set(found) == {"aa", "aa-0-0"}
    assert (found["aa"].id, found["aa"].episode, found["aa"].count) == ("aa-0-2", 2, 1)
    assert found["aa-0-0"].status is Status.RESOLVED
    assert not found["aa"].ticketed


def test_a_command_for_an_archived_incident_is_refused() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(command("aa-0-0", Action.RESOLVE))
    desk.send(anomalies("aa", 2), at=5000.0)
    desk.send(command("aa-0-0", Action.REOPEN, "c2"))
    outcome = desk.incidents()["aa-0-0"].commands[-1]
    assert (outcome.id, outcome.applied, outcome.status) == ("c2", False, Status.RESOLVED)
    assert desk.published[-1][0] == "aa-0-0"


def test_a_command_or_receipt_for_an_unknown_incident_changes_nothing() -> None:
    desk = Desk()
    receipt = Receipt(incident_id="zz-0-1", platform="slack", state=TicketState.OPEN, revision=1)
    desk.send(command("guard:t/s", Action.RESOLVE), receipt, command("", Action.RESOLVE))
    assert desk.partition.table.rows == {}
    assert desk.published == []


def test_a_resolved_incident_is_forgotten_by_the_quiet_clock_with_a_tombstone() -> None:
    desk = Desk(policy_with(retention=100.0))
    desk.send(anomalies("aa", 1))
    desk.send(command("aa-0-0", Action.RESOLVE))
    desk.tick(5000.0)
    assert set(desk.incidents()) == {"aa"}, "nobody has said yet that detection is that far"
    desk.send(Progress(topic="in", partition=0, partitions=1, through=4000.0), at=5001.0)
    desk.tick(9000.0)
    assert desk.incidents() == {}
    assert desk.published[-1] == ("aa-0-0", None)


def test_quiet_resolves_only_once_every_input_partition_has_reported() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(Progress(topic="in", partition=0, partitions=2, through=9000.0))
    desk.tick(2000.0)
    assert desk.one().status is Status.OPEN
    desk.send(Progress(topic="in", partition=1, partitions=2, through=1500.0))
    desk.tick(2100.0)
    assert desk.one().status is Status.OPEN, "partition 1 lags behind"
    desk.send(Progress(topic="in", partition=1, partitions=2, through=1600.0))
    desk.tick(2200.0)
    assert desk.one().status is Status.RESOLVED


def test_quiet_waits_for_every_configured_input_topic() -> None:
    desk = Desk(inputs=("in", "other"))
    desk.send(anomalies("aa", 1))
    desk.send(Progress(topic="in", partition=0, partitions=1, through=9000.0))
    desk.tick(2000.0)
    assert desk.one().status is Status.OPEN


def test_new_patterns_beyond_the_limit_join_one_overflow_incident() -> None:
    desk = Desk(policy_with(routing=ROUTING, max_patterns_per_service=3))
    desk.send(*[anomalies(f"a{i}", i, i + 20) for i in range(10)])
    found = desk.incidents()
    overflow = found[overflow_fingerprint("t", "s")]
    assert len(found) == 4
    assert (overflow.kind, overflow.count) == (Kind.OVERFLOW, 14)
    desk.send(anomalies("a7", 41), anomalies("a8", 40), anomalies("a0", 42))
    found = desk.incidents()
    assert found[overflow.fingerprint].count == 16
    assert sum(incident.count for incident in found.values()) == 23


def test_new_patterns_join_the_open_overflow_incident() -> None:
    desk = Desk(policy_with(routing=ROUTING, max_patterns_per_service=1))
    desk.send(anomalies("a0", 1), anomalies("a1", 2))
    desk.send(anomalies("a2", 3), at=9000.0)
    overflow = desk.incidents()[overflow_fingerprint("t", "s")]
    assert overflow.count == 2
    desk.send(command(overflow.id, Action.RESOLVE))
    desk.send(anomalies("a1", 2, 4), at=9001.0)
    assert desk.incidents()["a1"].count == 1, "offset 2 is counted in the overflow incident"


def test_patterns_of_a_service_share_an_incident_when_grouped_by_service() -> None:
    desk = Desk(policy_with(routing=ROUTING, group_by="service"))
    desk.send(anomalies("a0", 1, 4), anomalies("a1", 2, 3), anomalies("b0", 5, service="other"))
    found = desk.incidents()
    assert len(found) == 2
    assert found[group_fingerprint("t", "s")].count == 4
    desk.send(anomalies("a1", 3, 7), anomalies("a0", 4, 6))
    assert desk.incidents()[group_fingerprint("t", "s")].count == 6


def test_grouping_by_service_or_not_may_change_without_counting_twice() -> None:
    desk = Desk(policy_with(routing=ROUTING))
    desk.send(anomalies("a0", 1, 4))
    desk.send(command("a0-0-0", Action.RESOLVE))
    desk.partition.machine.policy = policy_with(
        platforms=PLATFORMS, routing=ROUTING, group_by="service"
    )
    desk.send(anomalies("a0", 4, 6), anomalies("a1", 5))
    desk.partition.machine.policy = policy_with(routing=ROUTING)
    desk.send(anomalies("a0", 4, 6, 7), anomalies("a1", 5, 8))
    assert sum(found.count for found in desk.incidents().values()) == 6


def umbrella_of(desk: Desk) -> Incident:
    return desk.incidents()[umbrella_fingerprint("t", 0)]


def test_pages_beyond_the_ceiling_wait_under_an_umbrella() -> None:
    desk = Desk(policy_with(routing=ROUTING, max_pages_per_minute=2))
    for i in range(5):
        desk.send(anomalies(f"a{i}", i, service=f"s{i}"))
    umbrella = umbrella_of(desk)
    assert (umbrella.held, umbrella.ticketed, umbrella.routes) == (3, True, ["slack"])
    assert umbrella.title.startswith("3 incidents")
    desk.tick(1060.0)
    held = [found for found in desk.incidents().values() if found.held_by]
    assert {found.held_by for found in held} == {umbrella.id}
    assert [(found.ticketed, found.count) for found in held] == [(False, 1)] * 3
    assert StepKind.HELD in [step.kind for step in held[0].timeline]
    desk.send(command(umbrella.id, Action.RESOLVE), at=1100.0)
    desk.tick(1170.0)
    desk.tick(1300.0)
    assert all(found.ticketed and not found.held_by for found in desk.incidents().values())


def test_a_held_incident_that_grows_worse_makes_its_umbrella_worse() -> None:
    desk = Desk(policy_with(routing=ROUTING, max_pages_per_minute=1))
    desk.send(anomalies("a0", 1))
    desk.send(anomalies("a1", 2))
    desk.send(anomalies("a1", 3, severity=Severity.CRITICAL))
    assert umbrella_of(desk).severity is Severity.CRITICAL
    assert umbrella_of(desk).routes == ["slack", "pagerduty"]


def test_incidents_that_nobody_is_told_of_are_no_pages() -> None:
    desk = Desk(policy_with(max_pages_per_minute=1))
    desk.send(anomalies("a0", 1))
    desk.send(anomalies("a1", 2))
    assert not any(found.held_by for found in desk.incidents().values())


def test_a_receipt_that_brings_nothing_new_is_not_published() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    receipt = Receipt(
        incident_id="aa-0-0", platform="slack", state=TicketState.OPEN, revision=1, key="K"
    )
    desk.send(receipt)
    assert desk.published[-1][1] == as_published(desk.one())
    assert desk.one().tickets["slack"].key == "K"
    before = len(desk.published)
    desk.send(
        Receipt(incident_id="aa-0-0", platform="slack", state=TicketState.OPEN, revision=2, key="K")
    )
    assert len(desk.published) == before
    assert desk.one().tickets["slack"].revision == 2


def test_other_people_on_call_are_published() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    for revision, people in ((1, "alice"), (2, "bob"), (3, "")):
        desk.send(
            Receipt(
                incident_id="aa-0-0",
                platform="opsgenie",
                state=TicketState.OPEN,
                revision=revision,
                on_call=people,
            )
        )
    assert desk.one().tickets["opsgenie"].on_call == "bob"
    assert desk.published[-1][1].tickets["opsgenie"].on_call == "bob"


def test_a_replayed_message_changes_nothing_and_is_published_again() -> None:
    desk = Desk()
    records = [desk.record(anomalies("aa", 1)), desk.record(anomalies("aa", 2))]
    desk.run(records)
    before = desk.one()
    desk.run(records[:1])
    assert desk.one() == before
    assert desk.published[-1] == ("aa-0-0", as_published(before))


def test_what_may_be_unpublished_is_published_on_assignment() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    tx = desk.partition.transaction()
    desk.partition.machine.recover(tx, "aa", desk.one(), True)
    assert [key for _, key, _, _ in tx.sends()] == ["aa-0-0"]


def test_the_count_is_told_once_it_is_durable() -> None:
    told: list[tuple[int, int, int]] = []
    desk = Desk(inputs=["logs"], counted=lambda *one: told.append(one))
    logs = Origin(topic="logs", partition=0, since="id:0")
    desk.send(logs, anomalies("aa", 1, 2), anomalies("bb", 3))
    desk.send(logs, anomalies("aa", 2, 4))
    desk.send(Origin(topic="other", partition=0, since="id:0"), anomalies("cc", 1))
    assert told == [(0, 1, 3), (0, 2, 4), (0, 3, 4)]


def test_what_was_counted_before_is_told_with_the_first_batch_whatever_is_in_it() -> None:
    told: list[tuple[int, int, int]] = []
    desk = Desk(inputs=["logs"], counted=lambda *one: told.append(one))
    desk.send(Origin(topic="logs", partition=0, since="id:0"), anomalies("aa", 1, 2))
    desk.partition.restart()
    desk.tick(1.0)
    assert told[-1] == (0, 2, 2)


def test_a_guard_is_forgotten_when_nothing_in_it_is_recent() -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    assert set(desk.partition.table.rows) == {"aa", "guard:t/s", "pages:t"}
    desk.tick(1700.0)
    assert set(desk.partition.table.rows) == {"aa"}


def test_a_message_that_is_no_list_of_signals_is_a_dead_letter() -> None:
    partition = Desk().partition
    folded = fold(partition.machine, partition.transaction(), [Record(b"{")], partition.state)
    assert len(folded.dead) == 1


@pytest.mark.parametrize("severity", [Severity.CRITICAL])
def test_a_rise_of_severity_brings_the_ticket_forward_and_adds_routes(severity: Severity) -> None:
    desk = Desk()
    desk.send(anomalies("aa", 1))
    desk.send(anomalies("aa", 2, severity=severity), at=1010.0)
    found = desk.one()
    assert (found.severity, found.ticketed) == (severity, True)
    assert found.routes == ["slack", "pagerduty"]
    desk.send(anomalies("aa", 3, severity=Severity.LOW))
    assert desk.one().severity is severity


def test_what_overflowed_before_its_pattern_was_admitted_survives_a_crash() -> None:
    desk = Desk(policy_with(max_patterns_per_service=1))
    desk.send(anomalies("a0", 1))
    overflow_id = f"{overflow_fingerprint('t', 's')}-0-1"
    batch = [
        desk.record(anomalies("a1", 2)),
        desk.record(command(overflow_id, Action.RESOLVE)),
        desk.record(anomalies("a1", 3), at=9000.0),
    ]
    # The guard and the admitted pattern reach the disk, the overflow incident does not.
    desk.run(batch, writes=2)
    assert set(desk.incidents()) == {"a0", "a1"}
    desk.partition.restart()
    desk.run(batch)
    counts = {found.id: found.count for found in desk.incidents().values()}
    assert counts == {"a0-0-0": 1, overflow_id: 1, "a1-0-3": 1}


def test_a_page_that_is_not_taken_goes_to_the_fallback_in_time() -> None:
    policy = policy_with(
        platforms=PLATFORMS,
        routing={Severity.HIGH: ("pagerduty",)},
        group_wait={Severity.HIGH: 0.0},
        deliver_within={Severity.HIGH: 60.0},
        fallback=("slack",),
    )
    desk = Desk(policy)
    before = _fallbacks()
    desk.send(anomalies("aa", 1))
    assert desk.one().routes == ["pagerduty"]
    desk.tick(1060.0)
    assert desk.one().routes == ["pagerduty", "slack"]
    latest = desk.published[-1][1]
    assert latest is not None
    assert latest.routes == ["pagerduty", "slack"]
    assert latest.failures[0].text == "pagerduty did not take it within 60 s"
    assert _fallbacks() == before + 1


def _fallbacks() -> float:
    labels = {"platform": "pagerduty", "reason": "not_in_time"}
    return metrics.registry.get_sample_value("ticketing_fallbacks_total", labels) or 0.0


def test_an_archived_episode_survives_a_crash_after_a_command() -> None:
    policy = policy_with(routing=ROUTING, reopen_window=100.0)
    desk = Desk(policy)
    old = "aa-0-0"
    batch = [
        desk.record(anomalies("aa", 1, 2)),
        desk.record(command(old, Action.RESOLVE)),
        desk.record(anomalies("aa", 3), at=5000.0),
        desk.record(command(old, Action.RESOLVE, id="c2"), at=5000.0),
    ]
    for writes in range(4):
        desk.run(batch, writes=writes)
        desk.partition.restart()
    desk.run(batch)
    assert {found.id: found.count for found in desk.incidents().values()} == {old: 2, "aa-0-2": 1}


def test_lines_of_stack_traces_page_nobody_and_are_beside_all_guards() -> None:
    policy = policy_with(
        routing={severity: ("slack",) for severity in Severity},
        max_patterns_per_service=1,
        max_pages_per_minute=1,
        escalate_after={severity: 60.0 for severity in Severity},
        escalation_to=("slack",),
    )
    desk = Desk(policy)
    name = stray_fingerprint("t", "s")
    desk.send(anomalies("aa", 1), anomalies(name, 2, 3))
    desk.send(anomalies(name, 4, severity=Severity.CRITICAL), anomalies("bb", 5))
    for at in range(1000, 9000, 500):
        desk.tick(float(at))
    stray = desk.partition.incidents()[name]
    assert (stray.kind, stray.count, stray.routes) == (Kind.STRAY, 3, [])
    assert (stray.status, stray.escalate_at, stray.held_by) == (Status.OPEN, None, "")
    assert desk.partition.incidents()["aa"].routes == ["slack"]


@pytest.mark.parametrize("id", ["bb-7-1", "bb-999999-1", "x"])
def test_nothing_is_said_to_an_incident_whose_partition_is_not_there(id: str) -> None:
    """A stored id is no address: a send to it would hold the whole agent."""
    desk = Desk(replace(POLICY, hold_symptoms=True))
    desk.send(anomalies("aa", 1))
    asked = Linked(
        word=Word.ASK,
        tenant="t",
        to_fingerprint="aa",
        to_service="s",
        id=id,
        fingerprint="bb",
        service="s2",
    )
    value = signals.encode_signals([asked])
    sent = desk.partition.fold([Record(value, desk.offset, int(desk.now * 1000))])
    assert "ticketing-signals" not in {topic for topic, *_ in sent}
