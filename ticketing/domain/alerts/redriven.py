"""Anomalies that were a dead letter: counted past the watermark, each offset once.

The watermark of an incident has moved on while its anomalies lay in the dead letters. Two letters
may hold the same offsets, since a run that is read again is cut differently. So the offsets that
came this way are kept, per fingerprint and source.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import accumulate

from ticketing.domain.signals import Anomalies
from ticketing.errors import BadRecord

OFFSETS_MAX = 20_000
"""Offsets kept per fingerprint and source: a record of about 60 kB, and far more than a few letters."""
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


def redriven_key(anomalies: Anomalies) -> str:
    """The key of the offsets that were redriven."""
    return f"redriven:{anomalies.fingerprint}/{anomalies.source}"


def without(anomalies: Anomalies, known: RedrivenOffsets) -> Anomalies:
    """The anomalies without those that were redriven before."""
    before = set(known.offsets)
    if not before:
        return anomalies
    kept = {
        start: [offset for offset in found if offset not in before]
        for start, found in anomalies.windows.items()
    }
    return replace(anomalies, windows={start: found for start, found in kept.items() if found})


def with_offsets(known: RedrivenOffsets, anomalies: Anomalies) -> RedrivenOffsets:
    """The offsets with those of the anomalies; raises BadRecord for more than are kept."""
    offsets = set(known.offsets).union(*anomalies.windows.values())
    if len(offsets) > OFFSETS_MAX:
        detail = f"more than {OFFSETS_MAX} anomalies of one fingerprint were redriven"
        raise BadRecord("too_many_redriven", detail)
    gaps: list[int] = []
    before = 0
    for offset in sorted(offsets):
        gaps.append(offset - before)
        before = offset
    return RedrivenOffsets(gaps=gaps)
