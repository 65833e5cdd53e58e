"""Anomalies that were a dead letter: counted past the mark, each offset once.

The mark of a source has moved on while its anomalies lay in the dead letters. Two letters may hold
the same offsets, since a run that is read again is cut differently, perhaps by other pattern rules.
So the offsets that came this way are kept, per source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, chain

from ticketing.domain.records import replace
from ticketing.domain.signals import Anomalies
from ticketing.errors import BadRecord

OFFSETS_MAX = 20_000
"""Offsets kept per source: a record of about 60 kB, and far more than a few letters."""
KEPT_SECONDS = 60 * 24 * 3600.0
"""As long as the notes on redrives (ticketing.wire.topics), twice as long as a dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedrivenOffsets:
    """The offsets that were redriven, ascending, as the distance of each from the one before."""

    gaps: list[int] = field(default_factory=list)

    @property
    def offsets(self) -> list[int]:
        """The offsets themselves."""
        return list(accumulate(self.gaps))


def redriven_key(source: str) -> str:
    """The key of the offsets of a source that were redriven."""
    return f"redriven:{source}"


def without(anomalies: Anomalies, known: RedrivenOffsets) -> Anomalies:
    """The anomalies without those that were redriven before; the very same if there are none."""
    before = set(known.offsets)
    if before.isdisjoint(chain.from_iterable(anomalies.counted())):
        return anomalies
    kept = {
        start: [offset for offset in found if offset not in before]
        for start, found in anomalies.offsets.items()
    }
    return replace(
        anomalies,
        offsets={start: found for start, found in kept.items() if found},
        frames=[offset for offset in anomalies.frames if offset not in before],
    )


def with_offsets(known: RedrivenOffsets, anomalies: Anomalies) -> RedrivenOffsets:
    """The offsets with those of the anomalies; raises BadRecord for more than are kept."""
    offsets = set(known.offsets).union(*anomalies.counted())
    if len(offsets) > OFFSETS_MAX:
        detail = f"more than {OFFSETS_MAX} anomalies of one source were redriven"
        raise BadRecord("too_many_redriven", detail)
    gaps: list[int] = []
    before = 0
    for offset in sorted(offsets):
        gaps.append(offset - before)
        before = offset
    return RedrivenOffsets(gaps=gaps)
