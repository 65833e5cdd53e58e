"""Lengths in UTF-16 units, the measure of platforms written in Java or JavaScript."""

from __future__ import annotations

from ticketing.domain.text import ELLIPSIS


def units(text: str) -> int:
    """The number of UTF-16 units in a text: two for a character beyond the basic plane."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut_units(text: str, limit: int) -> str:
    """The text cut to `limit` units; an ellipsis marks the cut."""
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
    """The texts, cut to `limit` units together; the last texts are cut first."""
    kept: list[str] = []
    for text in texts:
        shortened = cut_units(text, max(0, limit))
        limit -= units(shortened)
        kept.append(shortened)
    return kept


def latest(lines: list[str], limit: int) -> list[str]:
    """The last lines that fit into `limit` units, after a line that counts those left out."""
    first = len(lines)
    while first and (limit := limit - units(lines[first - 1]) - 1) >= 0:
        first -= 1
    left_out = [f"{ELLIPSIS} {first} earlier steps are not shown"] if first else []
    return [*left_out, *lines[first:]]
