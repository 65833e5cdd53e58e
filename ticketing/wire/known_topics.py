"""The messages of ticketing-topics: what is known of each topic that state is bound to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

OFFSETS_PER_GENERATION = 10**12
"""More messages than a partition ever holds; millions of generations still fit into 64 bits."""

LAYOUT = 2
"""The layout of the state that this release stores: rows, marks, the messages of its own topics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A topic as the state kept of it was made with.

    `id` is Kafka's, empty if the broker gave none. `generation` rises with each adoption of another
    topic in the place of this one; `before` are the ids of those that went, oldest first. `layout` is
    that of the state, 1 where none was noted.
    """

    partitions: int
    id: str = ""
    generation: int = 0
    before: list[str] = field(default_factory=list)
    layout: int = LAYOUT

    @property
    def floor(self) -> int:
        """The number added to the topic's offsets wherever they are kept.

        Offsets kept of an earlier generation are then lower than any of this one, and an incident's
        id never comes again.
        """
        return self.generation * OFFSETS_PER_GENERATION

    def followed_by(self, id: str, partitions: int) -> Known:
        """The topic adopted in the place of this one."""
        before = [*self.before, self.id] if self.id else self.before
        generation = self.generation + 1
        return replace(self, id=id, partitions=partitions, generation=generation, before=before)


class _Stored(msgspec.Struct):
    """A topic as an earlier release may have noted it."""

    partitions: int
    id: str = ""
    generation: int = 0
    before: list[str] = []
    layout: int = 1

    def known(self) -> Known:
        return Known(**msgspec.structs.asdict(self))


_encoder = msgspec.json.Encoder()
_one = msgspec.json.Decoder(_Stored)
_all = msgspec.json.Decoder(dict[str, _Stored])


def encode_known(known: Known) -> bytes:
    """The value of a message, whose key is the topic's name."""
    return _encoder.encode(known)


def decode_known(value: bytes) -> Known:
    """The reverse of encode_known; raises msgspec.DecodeError or ValidationError."""
    return _one.decode(value).known()


def encode_all(known: dict[str, Known]) -> bytes:
    """Several topics by name, as a file beside a table has them."""
    return msgspec.json.format(_encoder.encode(known))


def decode_all(value: bytes) -> dict[str, Known]:
    """The reverse of encode_all; raises msgspec.DecodeError or ValidationError."""
    return {name: one.known() for name, one in _all.decode(value).items()}
