"""Records as aiokafka has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Record:
    """A record of a topic; `timestamp` is in milliseconds."""

    value: bytes | None
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    partition: int = 0
    topic: str = ""
    headers: Any = ()
