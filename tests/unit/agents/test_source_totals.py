"""Detection's totals: read back with the committed offset, and never guessed."""

from __future__ import annotations

import pytest
from faust.types import TP

from agents.source_totals import SourceTotals
from ticketing.domain.alerts.conservation import Tally
from ticketing.domain.signals import Origin
from ticketing.engine.commit_notes import CommitNotes

LOGS = TP("logs", 0)


def totals(notes: CommitNotes, id: str = "id") -> SourceTotals:
    return SourceTotals({"logs": id}, notes)


def handled(first: int, end: int, notes: CommitNotes) -> SourceTotals:
    """A process that has handled some records, and committed nothing."""
    found = totals(notes)
    before = found.begin(LOGS, first)
    found.end(LOGS, end, before.plus(Tally(since="", records=end - first, below=end - first)))
    return found


def committed(offset: int, notes: CommitNotes) -> CommitNotes:
    """What another process reads of a commit."""
    note = notes.note(LOGS, offset)
    notes.saved({LOGS: offset})
    other = CommitNotes()
    other.read(LOGS, (offset, note))
    return other


def test_another_process_goes_on_from_the_committed_totals() -> None:
    notes = CommitNotes()
    found = handled(0, 5, notes)
    assert found.committed(LOGS).records == 0, "nothing is committed"
    other = totals(committed(5, notes))
    assert other.committed(LOGS) == Tally(since="id:0", records=5, below=5)
    assert other.begin(LOGS, 5).records == 5
    assert other.origin(LOGS) == Origin(topic="logs", partition=0, since="id:0")


def test_what_is_read_again_begins_from_the_totals_before() -> None:
    notes = CommitNotes()
    found = handled(0, 5, notes)
    committed(5, notes)
    before = found.begin(LOGS, 5)
    found.end(LOGS, 9, before.plus(Tally(since="", records=4)))
    assert found.begin(LOGS, 9).records == 9
    assert found.begin(LOGS, 5).records == 5, "the partition came back without a commit"


def test_what_another_process_has_committed_counts_and_not_what_was_known_here() -> None:
    notes = CommitNotes()
    found = handled(0, 5, notes)
    note = Tally(since="id:0", records=12, below=12)
    mover = totals(CommitNotes())
    mover.end(LOGS, 12, note)
    notes.read(LOGS, (12, mover._notes.note(LOGS, 12)))
    assert found.begin(LOGS, 14) == note


@pytest.mark.parametrize("note", ["", "{", "[]", '{"records": 5}', '{"since": "former:0"}'])
def test_an_offset_without_totals_is_where_they_begin(note: str) -> None:
    notes = CommitNotes()
    notes.read(LOGS, (7, note))
    found = totals(notes)
    assert found.committed(LOGS) == Tally(since="id:7")
    assert found.origin(LOGS).since == "id:7"
    assert found.begin(LOGS, 9).since == "id:7", "offsets may be missing in between"


def test_totals_of_this_process_stand_in_for_a_note_that_was_not_kept() -> None:
    notes = CommitNotes()
    found = handled(0, 5, notes)
    notes.saved({LOGS: 5})
    notes.read(LOGS, (5, ""))
    assert found.begin(LOGS, 5).records == 5


def test_offsets_set_back_by_hand_begin_anew() -> None:
    notes = CommitNotes()
    handled(0, 5, notes)
    notes.read(LOGS, (2, ""))
    assert totals(notes).begin(LOGS, 2) == Tally(since="id:2")


def test_a_partition_of_which_nothing_was_read_has_no_offset_yet() -> None:
    found = totals(CommitNotes())
    assert found.origin(LOGS).since == "id:"
    found.begin(LOGS, 3)
    assert found.origin(LOGS).since == "id:3"
