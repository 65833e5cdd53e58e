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
