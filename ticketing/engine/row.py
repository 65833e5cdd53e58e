"""The stored form of a state and of a partition's mark.

A state is JSON with a head of fixed width, which scans read undecoded. The mark says which messages
the rows reflect, and stands beside them under a key of its own.
"""

from __future__ import annotations

import msgspec

# Positions in a packed value; `pack` has the format.
_AT = slice(6, 26)
_DUE = slice(33, 57)
_STATE_START = 66
DUE_MAX = 1e15
"""Far beyond any date, and narrow enough for the head."""

OWN_PREFIX = b"\0"
"""Begins the keys of the engine's own rows. No state may have such a key."""
FIRST_ROW = b"\x01"
"""The lowest key of all others."""
MARK_KEY, OWNER_KEY = b"\0mark", b"\0owner"
"""The keys of the mark and of the owner's epoch (see ticketing.engine.ownership)."""
OWN_KEYS = frozenset({MARK_KEY, OWNER_KEY})
"""The engine's rows in the changelog; all others are on the disk alone."""

Send = tuple[str, str | None, bytes | None, int | None]
"""Topic, key, value and partition of a message; without a partition the key decides."""


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The end of the last folded batch.

    `folded` is the offset of its last message, with the floor of the topic.
    `sends` are those of its messages that no row could repeat, to be sent again after a crash.
    """

    folded: int
    sends: tuple[Send, ...] = ()


NOTHING_FOLDED = Mark(-1)
_mark = msgspec.json.Decoder(Mark)


def encode_mark(mark: Mark) -> bytes:
    """The row of a mark."""
    return msgspec.json.encode(mark)


def decode_mark(value: bytes) -> Mark:
    """The reverse of encode_mark; raises msgspec.MsgspecError."""
    return _mark.decode(value)


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
