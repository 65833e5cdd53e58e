"""The ownership of a changelog's partition, which each owner claims before its first write.

An owner's epoch is higher than every epoch in the changelog, and each of its records bears it. Only
the owner writes: a gap between the offsets of its writes shows another process. One of a higher epoch
is the successor, and the process that notices leaves without publishing what it has just written.
One of a lower epoch is a predecessor that was stopped and went on; the owner writes its own rows
over the predecessor's. Whoever reads the changelog ignores records of a lower epoch than one before
them. Records before the claim count: their writer could still publish.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ticketing.engine.changelog import Change


@dataclass(slots=True)
class Ownership:
    """The owner's epoch, and the offset at which its next write is expected."""

    epoch: int
    next: int


def first_epoch(generation: int, highest: int) -> int:
    """The epoch of a new owner: the consumer's generation, or the next above the highest so far.

    Generations begin anew with a new group, and a static member may start again within one.
    """
    return generation if generation > highest else highest + 1


def counting(changes: Iterable[Change], highest: int) -> tuple[list[Change], int]:
    """Those of the changes that count, in order, and the highest epoch with them."""
    found = []
    for change in changes:
        if change.epoch >= highest:
            highest = change.epoch
            found.append(change)
    return found, highest
