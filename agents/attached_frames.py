"""Lines of a stack trace shown with the record before them, as far as both are in one run.

For people alone: these lines are counted by themselves, since another cut of the run would part
them from that record.
"""

from __future__ import annotations

from collections.abc import Callable

from agents.log_record import RECORD_ERRORS, Detail, Document, Record

LINES_MAX = 30
"""Frames shown with a record: the nearest ones name the fault, and a sample's text is bounded."""
RECORDS_MAX = 1_000
"""Records that frames are kept for in one run; few of them become samples."""


class AttachedFrames:
    """The frames that follow the records of one run, by the records' offsets."""

    def __init__(self, detail_of: Callable[[Record], Detail]) -> None:
        """`detail_of` reads the host of a record that was read before."""
        self._detail_of = detail_of
        self.before: dict[tuple[str | None, str | None], Record] = {}
        """The latest record that is no frame, by tenant and service as they stand in it."""
        self._frames: dict[int, list[str]] = {}

    def add(self, document: Document, record: Record) -> None:
        """Take a record of frames: shown with the latest other one of its service and host."""
        before = self.before.get((document.tenant_id, document.service))
        if before is None:
            return
        lines = self._frames.get(before.offset)
        if lines is None:
            if len(self._frames) >= RECORDS_MAX:
                return
            lines = self._frames[before.offset] = []
        if len(lines) >= LINES_MAX:
            return
        try:
            here, there = self._detail_of(record), self._detail_of(before)
        except RECORD_ERRORS:
            return
        if (here.host_name, here.environment) == (there.host_name, there.environment):
            lines.append(document.text())

    def to(self, record: Record, text: str) -> str:
        """The text of a record with the frames that follow it."""
        return "\n".join([text, *self._frames.get(record.offset, ())])
