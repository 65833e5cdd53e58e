"""Detection in the simulated installation: the real agent, whose totals travel with its commits."""

from __future__ import annotations

from faust.types import TP
from support.configured import detector_for
from support.records import Record
from support.simulation import Process, World

from agents.detection import DetectionAgent
from agents.source_totals import SourceTotals
from ticketing.domain.alerts.conservation import Tally
from ticketing.engine.commit_notes import CommitNotes
from ticketing.engine.watchdog import Watchdog

INPUT = "enriched-logs"
SOURCE = TP(INPUT, 0)


class Detection(Process):
    """The process with detection; `kept` is what Kafka keeps beside the committed offset."""

    def __init__(self, world: World, kept: dict[int, str], topic_id: str = "id") -> None:
        super().__init__(world, INPUT)
        self.kept = kept
        self.app.notes = CommitNotes()
        offset = world.committed.get(INPUT)
        self.app.notes.read(SOURCE, None if offset is None else (offset, kept.get(offset, "")))
        self.detector = detector_for({INPUT: topic_id})
        self.agent = DetectionAgent(
            self.app,
            Watchdog(),
            self.fence,
            self.detector,
            signals_partitions=1,
            message_bytes_max=1_000_000,
            gaps_fail=False,
        )

    async def handle(self, records: list[Record]) -> None:
        run = self.detector.begin(INPUT, 0)
        run.take(records)
        await self.agent.handle(SOURCE, run, records)

    def committed(self) -> None:
        self.kept[self.position] = self.app.notes.note(SOURCE, self.position)
        self.app.notes.saved({SOURCE: self.position})

    def totals(self) -> Tally:
        """What Kafka's own totals are, as another process would read them."""
        notes = CommitNotes()
        offset = self.world.committed[INPUT]
        notes.read(SOURCE, (offset, self.kept[offset]))
        return SourceTotals(self.detector.topic_ids, notes).committed(SOURCE)
