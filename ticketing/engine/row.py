"""The stored form of a state: JSON with a head of fixed width, which scans read undecoded."""

from __future__ import annotations

# Positions in a packed value; `pack` has the format.
_AT = slice(6, 26)
_DUE = slice(33, 57)
_STATE_START = 66
DUE_MAX = 1e15
"""Far beyond any date, and narrow enough for the head."""


def pack(at: int, due: float | None, state: bytes) -> bytes:
    """A stored value: readable as JSON, with a head of fixed width for scans."""
    when = "null" if due is None else f"{due:.3f}"
    return b'{"at":%20d,"due":%24b,"state":%b}' % (at, when.encode(), state)


def unpack_at(value: bytes) -> int:
    """The offset of the last message that the stored state reflects."""
    return int(value[_AT])


def unpack_due(value: bytes) -> float | None:
    """The due time of the stored state; None without one. Raises ValueError."""
    text = value[_DUE].strip()
    if text == b"null":
        return None
    due = float(text)
    if not -DUE_MAX < due < DUE_MAX:
        raise ValueError("the due time is beyond any date")
    return due


def unpack_state(value: bytes) -> bytes:
    """The encoded state itself."""
    return value[_STATE_START:-1]
