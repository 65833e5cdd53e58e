"""Severities: four levels, ordered."""

from __future__ import annotations

from enum import Enum


class Severity(str, Enum):
    """An incident's severity, as in the configuration's `routing` keys."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical."""
        return _RANKS[self]


_RANKS = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2, Severity.CRITICAL: 3}


def worst(left: Severity, right: Severity) -> Severity:
    """The higher of two severities."""
    return left if left.rank >= right.rank else right
