"""The balance in the metrics: what is committed, by the owner alone, and never falling back."""

from __future__ import annotations

from types import SimpleNamespace

from faust.types import TP

from agents.shown_totals import ShownTotals
from agents.source_totals import SourceTotals
from ticketing import metrics
from ticketing.domain.alerts.conservation import Tally
from ticketing.engine.commit_notes import CommitNotes
from ticketing.wire.topics import SIGNALS

LOGS, OTHER = TP("logs-shown", 0), TP("logs-shown", 1)
COUNTED = TP(SIGNALS, 90)


class Process:
    """An app that owns partitions, with detection's totals."""

    def __init__(self, *owned: TP) -> None:
        self.owned = set(owned)
        self.notes = CommitNotes()
        self.app = SimpleNamespace(
            notes=self.notes, consumer=SimpleNamespace(assignment=lambda: set(self.owned))
        )
        self.sources = SourceTotals({LOGS.topic: "id"}, self.notes)
        self.shown = ShownTotals(self.app, self.sources, frozenset({LOGS.topic}))

    def handle(self, tp: TP, first: int, end: int) -> None:
        """Handle records: a dead letter, and the others below the threshold."""
        rest = end - first - 1
        found = Tally(since="", records=rest + 1, below=rest, unscored=rest, dead={"empty": 1})
        self.sources.end(tp, end, self.sources.begin(tp, first).plus(found))


def value(name: str, tp: TP, **labels: str) -> float | None:
    """The value shown for a partition; None for none."""
    labels["partition"] = str(tp.partition)
    if tp.topic != SIGNALS:
        labels["topic"] = tp.topic
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name == f"ticketing_{name}" and sample.labels == labels:
                return float(sample.value)
    return None


def test_only_what_is_committed_is_shown() -> None:
    process = Process(LOGS)
    process.notes.read(LOGS, None)
    process.shown.show()
    assert value("records_total", LOGS) == 0
    process.handle(LOGS, 0, 5)
    process.shown.show()
    assert value("records_total", LOGS) == 0
    process.notes.saved({LOGS: 5})
    assert value("records_total", LOGS) == 5
    assert value("records_below_threshold_total", LOGS) == 4
    assert value("records_unscored_total", LOGS) == 4
    assert value("records_dead_lettered_total", LOGS, reason="empty") == 1


def test_a_partition_that_is_lost_is_shown_no_longer() -> None:
    process = Process(LOGS, OTHER, COUNTED)
    process.handle(LOGS, 0, 5)
    process.handle(OTHER, 0, 3)
    process.shown.counted(COUNTED.partition, 8, 4)
    process.notes.saved({LOGS: 5, OTHER: 3, COUNTED: 8})
    assert value("anomalies_counted_total", COUNTED) == 4
    process.owned = {OTHER}
    process.shown.show()
    assert value("records_total", LOGS) is None
    assert value("records_dead_lettered_total", LOGS, reason="empty") is None
    assert value("anomalies_counted_total", COUNTED) is None
    assert value("records_total", OTHER) == 3
    process.owned = {LOGS, OTHER}
    process.shown.show()
    assert value("records_total", LOGS) is None, "the former value is not the one that holds now"


def test_the_next_owner_shows_what_was_committed_before_it_reads_anything() -> None:
    first = Process(LOGS)
    first.handle(LOGS, 0, 5)
    first.handle(LOGS, 5, 9)
    note = first.notes.note(LOGS, 5)
    second = Process(LOGS)
    second.shown.show()
    second.notes.read(LOGS, (5, note))
    second.shown.show()
    assert value("records_total", LOGS) == 5


def test_totals_that_cannot_be_shown_keep_no_commit_from_being_noted() -> None:
    process = Process(LOGS)

    def fails() -> set[TP]:
        raise RuntimeError("no assignment")

    process.app.consumer.assignment = fails
    process.handle(LOGS, 0, 5)
    process.notes.saved({LOGS: 5})
    assert process.notes.committed(LOGS) is not None


def test_what_the_writer_has_counted_waits_for_its_commit() -> None:
    process = Process(COUNTED)
    process.shown.counted(COUNTED.partition, 8, 4)
    process.shown.counted(COUNTED.partition, 10, 6)
    process.notes.saved({COUNTED: 8})
    assert value("anomalies_counted_total", COUNTED) == 4
    note = process.notes.note(COUNTED, 10)
    process.notes.saved({COUNTED: 10})
    assert value("anomalies_counted_total", COUNTED) == 6
    second = Process(COUNTED)
    second.notes.read(COUNTED, (10, note))
    second.shown.show()
    assert value("anomalies_counted_total", COUNTED) == 6
