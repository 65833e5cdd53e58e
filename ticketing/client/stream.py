"""Server-sent events from the pieces of a stream."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its data as JSON has it; `id` is the place to go on from, None without one."""

    name: str
    data: Any
    id: str | None = None


class Parser:
    """Takes the bytes of a stream, piece by piece."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that a piece completes; comments and settings are none."""
        *blocks, self._unfinished = (self._unfinished + self._decoder.decode(piece)).split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "data" in fields and not block.startswith(":"):
                data = json.loads(fields["data"])
                yield Event(fields.get("event", "message"), data, fields.get("id"))
