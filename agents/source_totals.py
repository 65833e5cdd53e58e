"""Detection's totals of each source partition, exact over any death: they are the commits' notes.

A total belongs to an offset: it says what became of the records below it. The totals at the
committed offset are read back with it, and a run that is read again begins from the same numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from faust.types import TP

from agents.detection_run import Detected
from ticketing.domain.alerts.conservation import Tally, topic_id
from ticketing.domain.signals import Origin
from ticketing.engine.commit_notes import CommitNotes
from ticketing.wire.notes import decode_tally, encode_tally


class SourceTotals:
    """The totals at the ends of recent runs, for the partitions that this process reads."""

    def __init__(self, topic_ids: Mapping[str, str], notes: CommitNotes) -> None:
        """`topic_ids`: the id of every input topic."""
        self._topic_ids = topic_ids
        self._notes = notes
        self._known: dict[TP, dict[int, Tally]] = {}

    def begin(self, tp: TP, offset: int) -> Tally:
        """The totals below the first offset of a run; all zero where nothing is known of them."""
        known = self._known.setdefault(tp, {})
        floor = 0
        committed = self._notes.committed(tp)
        if committed is not None and committed[0] <= offset:
            floor = committed[0]
            tally = self._decoded(tp, committed[1])
            if tally is not None:
                known[floor] = tally
        ends = [end for end in known if floor <= end <= offset]
        if not ends:
            known[offset] = Tally(since=f"{self._topic_ids[tp.topic]}:{offset}")
        return known[max(ends, default=offset)]

    def end(self, tp: TP, offset: int, tally: Tally) -> None:
        """Set the totals below an offset, to be committed with it."""
        self._known.setdefault(tp, {})[offset] = tally
        self._notes.put(tp, offset, encode_tally(tally))

    def committed(self, tp: TP) -> Tally:
        """The totals below the committed offset of a partition; forgets those before."""
        committed = self._notes.committed(tp)
        if committed is None:
            return Tally(since="")
        tally = self.begin(tp, committed[0])
        known = self._known[tp]
        self._known[tp] = {end: kept for end, kept in known.items() if end >= committed[0]}
        return tally

    def origin(self, tp: TP) -> Origin:
        """The source partition and the offset from which on it is counted, as far as known."""
        since = self.committed(tp).since
        if not since:
            first = min(self._known.get(tp, {}).items(), default=None)
            since = f"{self._topic_ids[tp.topic]}:" if first is None else first[1].since
        return Origin(topic=tp.topic, partition=tp.partition, since=since)

    def forget(self, tp: TP) -> None:
        """Drop the totals of a partition that another process reads now."""
        self._known.pop(tp, None)
        self._notes.forget(tp)

    def read(self) -> list[TP]:
        """The partitions of which anything is known."""
        return list(self._known)

    def _decoded(self, tp: TP, note: str) -> Tally | None:
        """The totals of a note; None for one of another writer, or of a topic that is gone."""
        tally = decode_tally(note)
        if tally is None or topic_id(tally.since) != self._topic_ids[tp.topic]:
            return None
        return tally


def tally_of(detected: Detected, latest: float) -> Tally:
    """The records of a run by what became of them; `latest` is the time of the last one (Unix s)."""
    return Tally(
        since="",
        records=detected.records,
        below=detected.below_threshold,
        repaired=detected.repaired,
        clock_corrections=detected.clock_corrections,
        unscored=detected.unscored,
        latest=latest,
        dead=Counter(letter.reason for letter in detected.dead_letters),
    )
