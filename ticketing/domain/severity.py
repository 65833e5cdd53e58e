"""Severities: four levels, ordered."""

from __future__ import annotations

from ticketing.domain.open_enum import OpenEnum


class Severity(OpenEnum):
    """An incident's severity, as in the configuration's `routing` keys."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical, and for a severity of another release."""
        return _RANKS.get(self, HIGHEST_RANK)

    @property
    def nearest(self) -> Severity:
        """The severity that decides: an unknown one is treated as critical, so that it pages."""
        return self if self in _RANKS else Severity.CRITICAL


_RANKS = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2, Severity.CRITICAL: 3}
HIGHEST_RANK = 3
"""That of critical, as which an unknown severity is treated."""


def worst(left: Severity, right: Severity) -> Severity:
    """The higher of two severities."""
    return left if left.rank >= right.rank else right
