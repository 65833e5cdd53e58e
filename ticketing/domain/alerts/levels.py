"""The rank of a record's level among those of loggers, syslog and cloud vendors."""

from __future__ import annotations

from enum import IntEnum


class Rank(IntEnum):
    """The levels by urgency, each with its spellings."""

    HARMLESS = 0
    """Below a warning."""
    WARNING = 1
    ERROR = 2
    CRITICAL = 3


_WORDS = {
    Rank.HARMLESS: (
        *("TRACE", "FINEST", "FINER", "FINE", "VERBOSE", "DEBUG", "CONFIG"),
        *("INFO", "INFORMATION", "INFORMATIONAL", "NOTICE", "OK"),
    ),
    Rank.WARNING: ("WARN", "WARNING"),
    Rank.ERROR: ("ERROR", "ERR", "SEVERE"),
    Rank.CRITICAL: ("FATAL", "CRITICAL", "CRIT", "EMERG", "EMERGENCY", "ALERT", "PANIC"),
}
_RANKS = {word: rank for rank, words in _WORDS.items() for word in words}


def words_from(lowest: Rank) -> frozenset[str]:
    """The words of all levels from a rank up, in capitals."""
    return frozenset(word for word, rank in _RANKS.items() if rank >= lowest)


def rank_of(level: object) -> Rank | None:
    """The rank of a level's word in any case; None for a word that is no known level."""
    return _RANKS.get(level.strip().upper()) if isinstance(level, str) else None


SCORES = {Rank.HARMLESS: 0.0, Rank.WARNING: 0.86, Rank.ERROR: 0.9, Rank.CRITICAL: 0.98}
"""The scores of records that nobody has scored. With the default thresholds a warning is of low
severity, an error medium, and the levels above critical."""


def level_score(level: object, lowest: Rank, minimum_score: float) -> float | None:
    """The score of a record that has none, by its level; None below the rank `lowest`.

    Never below `minimum_score`, so that each such record is an anomaly.
    """
    rank = rank_of(level)
    if rank is None or rank < lowest:
        return None
    return max(SCORES[rank], minimum_score)
