"""Whatever is replayed, cut otherwise or half written: each offset counts in one incident only."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.configured import policy_with
from support.incidents import anomalies
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from ticketing.domain.alerts.fingerprint import stray_fingerprint
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.severity import Severity
from ticketing.wire.signals import encode_signals

PATTERNS = [*(f"{i:02x}" for i in range(6)), stray_fingerprint("t", "s")]
"""The last is that of lines of stack traces, which no guard and no collective incident counts."""


class Partition:
    """A partition of the signals and its writer, which may die with part of its writes done."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.log: list[Record] = []
        self.done = 0
        self._writer = MemoryPartition(IncidentMachine(policy, partitions=1))
        self.restart = self._writer.restart

    def append(self, bodies: list[Any], at: float) -> None:
        self.log.append(Record(encode_signals(bodies), len(self.log), int(at * 1000)))

    def run(self, first: int, end: int, writes: int | None = None) -> None:
        self._writer.fold(self.log[first:end], writes)

    def catch_up(self) -> None:
        if self.done < len(self.log):
            self.run(self.done, len(self.log))
            self.done = len(self.log)

    def incidents(self) -> list[Incident]:
        return list(self._writer.incidents().values())

    def ids(self) -> list[str]:
        return [incident.id for incident in self.incidents()]


def signals(stream: list[int], first: int, end: int, source: str) -> list[Any]:
    """What detection sends for one batch: one signal a fingerprint, in two windows."""
    found = []
    for number, name in enumerate(PATTERNS):
        offsets = [o for o in range(first, end) if stream[o] == number]
        if offsets:
            windows: dict[int, list[int]] = {}
            for offset in offsets:
                windows.setdefault(900 * (offset % 2), []).append(offset)
            found.append(anomalies(name, source=source, windows=windows))
    return found


SOURCES = ("x", "y")
STREAM = st.lists(st.integers(0, len(PATTERNS)), min_size=1, max_size=24)


@settings(max_examples=400, deadline=None)
@given(
    streams=st.tuples(STREAM, STREAM),
    limit=st.integers(1, 4),
    group_by=st.sampled_from(["pattern", "pattern", "service"]),
    pages=st.sampled_from([0, 1, 2]),
    data=st.data(),
)
def test_each_offset_counts_in_exactly_one_incident(
    streams: tuple[list[int], list[int]], limit: int, group_by: str, pages: int, data: st.DataObject
) -> None:
    """Detection repeats any suffix with other cuts, the writer dies in the middle of its writes."""
    policy = policy_with(
        max_patterns_per_service=limit,
        max_pages_per_minute=pages,
        group_by=group_by,
        routing={Severity.HIGH: ("slack",)},
    )
    partition = Partition(policy)
    produce(partition, streams, data)
    consume(partition, data)
    wanted = sum(pattern < len(PATTERNS) for stream in streams for pattern in stream)
    found = partition.incidents()
    assert sum(incident.count for incident in found) == wanted
    assert sum(count for incident in found for _, count in incident.windows) == wanted
    assert len({incident.id for incident in found}) == len(found)


def produce(
    partition: Partition, streams: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    """Detection, one batch after the other per source; a restart goes back behind what it sent."""
    at, position, restarts = 1000.0, [0, 0], 3
    clean = Partition(partition.policy)
    clean.log = partition.log
    while any(position[i] < len(streams[i]) for i in (0, 1)):
        i = data.draw(st.sampled_from([i for i in (0, 1) if position[i] < len(streams[i])]))
        first = position[i]
        end = data.draw(st.integers(first + 1, len(streams[i])))
        at += data.draw(st.sampled_from([0.0, 1.0, 700.0, 4000.0]))
        ids = sorted(clean.ids())
        if ids and data.draw(st.booleans()):
            id = data.draw(st.sampled_from(ids))
            wish = data.draw(st.sampled_from([Action.RESOLVE, Action.RESOLVE, Action.REOPEN]))
            partition.append(
                [Command(id=f"c{len(partition.log)}", incident_id=id, action=wish)], at
            )
        bodies = signals(streams[i], first, end, SOURCES[i])
        if bodies:
            partition.append(bodies, at)
        clean.catch_up()
        position[i] = end
        if restarts and data.draw(st.booleans()):
            restarts -= 1
            position[i] = data.draw(st.integers(0, end))


def consume(partition: Partition, data: st.DataObject) -> None:
    """The writer, batch by batch; a crash keeps any prefix of the writes and goes back."""
    committed, crashes = 0, 4
    while committed < len(partition.log):
        end = data.draw(st.integers(committed + 1, len(partition.log)))
        if crashes and data.draw(st.booleans()):
            crashes -= 1
            partition.run(committed, end, writes=data.draw(st.integers(0, 12)))
            partition.restart()
            continue
        partition.run(committed, end)
        if data.draw(st.booleans()):
            # All was written, but the commit did not get through.
            partition.restart()
            partition.run(data.draw(st.integers(0, committed)), end)
        committed = end


def test_what_was_let_through_later_takes_no_room_in_a_replay() -> None:
    policy = policy_with(max_patterns_per_service=1, patterns_window=600.0, reopen_window=0.0)
    partition = Partition(policy)
    stream = [0, 1, 0]
    partition.append(signals(stream, 0, 1, "x"), at=1000.0)
    partition.append(signals(stream, 1, 2, "x"), at=1700.0)
    partition.append([Command(id="c", incident_id="00-0-0", action=Action.RESOLVE)], at=1700.0)
    partition.append(signals(stream, 2, 3, "x"), at=1800.0)
    # The guard, which has forgotten the first by then, and the first one's archived episode.
    partition.run(0, 4, writes=2)
    partition.restart()
    partition.run(0, 4)
    assert sorted((incident.id, incident.count) for incident in partition.incidents()) == [
        ("00-0-0", 1),
        ("00-0-3", 1),
        ("01-0-1", 1),
    ]


def test_lines_of_traces_are_not_lost_to_the_mark_of_a_collective_incident() -> None:
    """A crash may leave the collective incident's mark on disk, and not yet the lines' own."""
    for writes in range(12):
        partition = Partition(policy_with(group_by="service", routing={Severity.HIGH: ("slack",)}))
        partition.append([anomalies("aa", 0)], 1000.0)
        partition.append([anomalies(PATTERNS[-1], 1), anomalies("aa", 2)], 1000.0)
        partition.run(0, 2, writes=writes)
        partition.restart()
        partition.run(0, 2)
        assert sum(incident.count for incident in partition.incidents()) == 3, writes
