"""Watermarks: per source partition, the highest offset that an incident has counted.

They stand in the order in which they were last raised. A mark matters only for as long as its
source may be read again from below it, which is what a process does that died before its commit; so
the mark that was raised the longest ago is the first to go where there are too many.
"""

from __future__ import annotations

MARKS_MAX = 2_000
"""Twice the partitions that a large input has: those of a topic, and of its predecessor."""

Marks = dict[str, int]
"""The highest offset counted by the lasting name of its source, the latest raised last."""


def with_mark(marks: Marks, source: str, offset: int) -> Marks:
    """The watermarks with one raised; a mark is never lowered."""
    known = marks.get(source, -1)
    others = {name: at for name, at in marks.items() if name != source}
    return _kept({**others, source: max(known, offset)})


def merged(left: Marks, right: Marks) -> Marks:
    """Per source the higher of two watermarks."""
    found = dict(left)
    for source, offset in right.items():
        found[source] = max(found.pop(source, -1), offset)
    return _kept(found)


def _kept(marks: Marks) -> Marks:
    if len(marks) <= MARKS_MAX:
        return marks
    return dict(list(marks.items())[len(marks) - MARKS_MAX :])
