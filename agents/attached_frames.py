"""Lines of a stack trace shown with the record before them, as far as both are in one run."""

from __future__ import annotations

LINES_MAX = 30
"""Frames shown with a record: the nearest ones name the fault, and a sample's text is bounded."""
RECORDS_MAX = 1_000
"""Records that frames are kept for in one run; few of them become samples."""


class AttachedFrames:
    """The frames that follow the records of one run, by the records' offsets."""

    def __init__(self) -> None:
        self._frames: dict[int, list[str]] = {}

    def add(self, offset: int, text: str) -> None:
        """Show a record of frames with the record at an offset, as far as there is room."""
        lines = self._frames.get(offset)
        if lines is None:
            if len(self._frames) >= RECORDS_MAX:
                return
            lines = self._frames[offset] = []
        if len(lines) < LINES_MAX:
            lines.append(text)

    def to(self, offset: int, text: str) -> str:
        """The text of the record at an offset, with the frames that follow it."""
        return "\n".join([text, *self._frames.get(offset, ())])
