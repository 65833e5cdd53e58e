"""The signals that a detection agent has sent lately, to tell those that may page from counts."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ticketing.domain.severity import Severity
from ticketing.domain.signals import Anomalies

RECENT_SECONDS = 30.0
"""Half of the shortest `anomaly.quietAfter`: an alert that fired so lately has not become quiet."""
KNOWN_MAX = 20_000
"""Some 4 MB; a forgotten one counts as new, and costs a fetch."""


class RecentSignals:
    """Fingerprints with the severity and the time of their last signal, in monotonic seconds."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Severity, float]] = {}

    def know(self, fingerprints: Iterable[str], now: float) -> bool:
        """True if a signal of each was sent lately: what follows is a count."""
        since = now - RECENT_SECONDS
        return all(name in self._known and self._known[name][1] >= since for name in fingerprints)

    def news(self, signals: Iterable[Anomalies], now: float) -> bool:
        """Note signals; True if one of them is of an alert that may have begun or got worse."""
        found = False
        for signal in signals:
            severity, at = self._known.pop(signal.fingerprint, (Severity.LOW, -math.inf))
            worse = signal.severity.nearest.rank > severity.nearest.rank
            found = found or worse or now - at > RECENT_SECONDS
            if len(self._known) >= KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self._known[signal.fingerprint] = signal.severity, now
        return found
