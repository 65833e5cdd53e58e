"""Plain text for people: lines, lengths, times and lists of names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

ELLIPSIS = "…"


def cut(text: str, chars_max: int) -> str:
    """The text in at most so many characters; an ellipsis marks a cut."""
    return text if len(text) <= chars_max else text[: max(0, chars_max - 1)].rstrip() + ELLIPSIS


def line(text: str) -> str:
    """The text in one line, without control characters."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())


def moment(at: float, unknown: str = "unknown") -> str:
    """A time (Unix seconds) in UTC, to the second; `unknown` for a time outside the calendar."""
    try:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return unknown


def listed(names: Sequence[str], names_max: int) -> str:
    """The first names in a line, each on one line, and the number of the others."""
    shown = ", ".join(line(name) for name in names[:names_max])
    more = len(names) - names_max
    return f"{shown} and {more} more" if more > 0 else shown
