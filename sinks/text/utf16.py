"""Lengths as Java and JavaScript count them, in UTF-16 units, in which some platforms have limits."""

from __future__ import annotations

from ticketing.domain.text import ELLIPSIS


def units(text: str) -> int:
    """How many UTF-16 units a text has: two for a character beyond the basic plane."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut_units(text: str, limit: int) -> str:
    """The text in at most so many units; an ellipsis shows that something is missing."""
    if units(text) <= limit:
        return text
    left = limit - 1
    kept = 0
    for character in text:
        left -= 2 if character > "\uffff" else 1
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS if limit > 0 else ""


def shares(texts: list[str], limit: int) -> list[str]:
    """The texts, cut so that together they stay within the limit; those at the end suffer first."""
    kept: list[str] = []
    for text in texts:
        shortened = cut_units(text, max(0, limit))
        limit -= units(shortened)
        kept.append(shortened)
    return kept


def latest(lines: list[str], limit: int) -> list[str]:
    """As many of the last lines as stay within the limit, and a word about those left out."""
    first = len(lines)
    while first and (limit := limit - units(lines[first - 1]) - 1) >= 0:
        first -= 1
    left_out = [f"{ELLIPSIS} {first} earlier steps are not shown"] if first else []
    return [*left_out, *lines[first:]]
