"""Steps of an incident as one comment, for platforms whose comments can be read again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sinks.text.parts import steps
from ticketing.domain.incidents.incident import Step

LEFT_OUT_CHARS = 60
"""Room for the line that counts the steps left out."""


def comment(told: list[Step], already: Iterable[str], chars_max: int) -> str:
    """The steps that no comment has yet, a line each, oldest first; empty if there are none.

    `already` are the ticket's comments. Steps beyond the length of one comment are left out, the
    oldest first, and counted.
    """
    known = "\n".join(already)
    lines = [one for one in steps(told) if not has_line(known, one)]
    room = chars_max - LEFT_OUT_CHARS
    kept = len(lines)
    while kept and len(lines[kept - 1]) + 1 <= room:
        kept -= 1
        room -= len(lines[kept]) + 1
    left_out = [f"… {kept} earlier steps are left out"] if kept else []
    return "\n".join([*left_out, *lines[kept:]])


def has_line(text: str, line: str) -> bool:
    """True if the text, as a platform returned it, has the line up to its end.

    A longer line that begins with it says something else. Mark-up may stand around the lines.
    """
    return re.search(rf"{re.escape(line)}[^\S\r\n]*(?=[\r\n<]|\Z)", text) is not None
