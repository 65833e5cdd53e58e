"""Steps of an incident as one comment, for platforms whose comments can be read again."""

from __future__ import annotations

from collections.abc import Iterable

from sinks.text.parts import steps
from ticketing.domain.incidents.incident import Step

LEFT_OUT_CHARACTERS = 60


def comment(told: list[Step], already: Iterable[str], characters_max: int) -> str:
    """The steps that do not stand in a comment yet, oldest first; empty if all of them do.

    `already` are the comments that are there. If there are too many steps for one comment, the
    newest are told and the number of the others.
    """
    known = "\n".join(already)
    lines = [one for one in steps(told) if one not in known]
    room = characters_max - LEFT_OUT_CHARACTERS
    kept = len(lines)
    while kept and len(lines[kept - 1]) + 1 <= room:
        kept -= 1
        room -= len(lines[kept]) + 1
    left_out = [f"… {kept} earlier steps are left out"] if kept else []
    return "\n".join([*left_out, *lines[kept:]])
