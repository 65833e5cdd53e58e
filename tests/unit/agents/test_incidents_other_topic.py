"""Incidents go on in a topic that was adopted: its offsets begin anew, those that are kept do not."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

from support.configured import policy_with
from support.partition import MemoryPartition

from agents.incidents import IncidentMachine
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies
from ticketing.engine.statemachine import PartitionState
from ticketing.wire.known_topics import Known
from ticketing.wire.signals import SignalBody, encode_signals

NOW = 1_700_000_000.0
FINGERPRINT = "0123456789abcdef"
ADOPTED = Known(partitions=1, id="a").followed_by("b", 1)
clock = count(int(NOW * 1000))


def record(offset: int, *bodies: SignalBody) -> Any:
    return SimpleNamespace(
        offset=offset, timestamp=next(clock), key=None, value=encode_signals(list(bodies))
    )


def anomalies(*offsets: int, source: str = "in:0:1", fingerprint: str = FINGERPRINT) -> Anomalies:
    return Anomalies(
        fingerprint=fingerprint,
        tenant="",
        service="orders",
        pattern="disk full",
        source=source,
        severity=Severity.CRITICAL,
        windows={int(NOW): list(offsets)},
        first_seen=NOW,
        last_seen=NOW,
        max_score=1.0,
    )


def test_what_has_a_low_offset_in_the_adopted_topic_is_no_replay() -> None:
    partition = MemoryPartition(IncidentMachine(policy_with(), partitions=1))
    partition.fold([record(5_000, anomalies(1, 2))])
    (before,) = partition.incidents().values()
    partition.state = PartitionState(ADOPTED.floor)
    command = Command(id="c", incident_id=before.id, action=Action.ACKNOWLEDGE, by="ann")
    partition.fold([record(0, anomalies(3)), record(1, command)])
    (after,) = partition.incidents().values()
    assert (after.id, after.count, after.status) == (before.id, 3, Status.ACKNOWLEDGED)


def test_a_replay_within_the_adopted_topic_changes_nothing() -> None:
    partition = MemoryPartition(IncidentMachine(policy_with(), partitions=1))
    partition.fold([record(5_000, anomalies(1, 2))])
    partition.state = PartitionState(ADOPTED.floor)
    partition.fold([record(0, anomalies(3)), record(1, anomalies(4))])
    once = partition.incidents()
    partition.state = PartitionState(ADOPTED.floor)
    partition.fold([record(0, anomalies(3)), record(1, anomalies(4))])
    assert partition.incidents() == once


def test_an_id_never_comes_again() -> None:
    ids = set()
    known = Known(partitions=1, id="a")
    for _ in range(3):
        # The table is lost each time; tickets and people know the ids all the same.
        partition = MemoryPartition(IncidentMachine(policy_with(), partitions=1))
        partition.state = PartitionState(known.floor)
        partition.fold([record(7, anomalies(1))])
        ids |= {incident.id for incident in partition.incidents().values()}
        known = known.followed_by("b", 1)
    assert len(ids) == 3
