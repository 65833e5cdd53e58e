"""Reads the JSON of answers, whatever a platform sends."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ticketing.errors import TicketingError

T = TypeVar("T")

LEVELS_MAX = 100
"""Deeper than any vendor's documents, and far from the depth at which reading them would fail."""


class Undecodable(TicketingError):
    """An answer that is no JSON, not in the expected form, or too deep."""


def decoded(raw: bytes) -> Any:
    """The JSON of an answer; raises Undecodable."""
    data = decoded_as(Any, raw)
    if _is_deep(data):
        raise Undecodable(f"lists and objects in more than {LEVELS_MAX} levels")
    return data


def decoded_as(kind: type[T], raw: bytes) -> T:
    """The JSON of an answer as `kind`; raises Undecodable."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(type(error).__name__) from error


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(LEVELS_MAX):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return list(data.values())
    return data if isinstance(data, list) else []
