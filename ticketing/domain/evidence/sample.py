"""Samples of requests: of each worker and slot, those whose ids have the lowest hashes.

Bottom-k sketches (https://doi.org/10.1145/1265530.1265565): two samples that were taken apart can be
held against each other, since the same requests are in both.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

HASHES = 2**32
"""Hashes of requests have 32 bits: 4 bytes each on the wire, and few meet by chance in a slot."""
SKETCH_MAX = 16
"""Requests of a sketch: shares are right to about an eighth, at 64 bytes on the wire."""

_OF_REQUESTS = b"ticketing.evidence.request"
_OF_NAMES = b"ticketing.evidence.name"

Stratum = tuple[int, str]
"""Slot and worker."""


def hash_of_request(trace_id: str) -> int:
    """The hash of a request, the same in every worker, independent of the topic's partitions."""
    return _hash(trace_id, _OF_REQUESTS)


def hash_of_name(name: object) -> int:
    """The hash of a counted name, by which the items that stay are chosen at a bound."""
    return _hash(repr(name), _OF_NAMES)


def _hash(text: str, key: bytes) -> int:
    encoded = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=4, key=key).digest(), "big")


class Sample(dict[Stratum, tuple[int, frozenset[int]]]):
    """Requests as sketches tell: per slot and worker a limit, and all ids with hashes below it."""

    def join(self, stratum: Stratum, limit: int, ids: Iterable[int]) -> None:
        """Take in the requests of one more sketch."""
        known = self.get(stratum)
        if known is None:
            self[stratum] = limit, frozenset(ids)
            return
        limit = min(limit, known[0])
        self[stratum] = limit, frozenset(id for id in known[1].union(ids) if id < limit)

    def share_in(self, other: Sample) -> float:
        """The share of these requests that is among the others, estimated; 0 for no request."""
        inside = total = 0.0
        for stratum, (limit, ids) in self.items():
            theirs = other.get(stratum)
            if theirs is None:
                total += len(ids) / limit
                continue
            limit = min(limit, theirs[0])
            total += sum(id < limit for id in ids) / limit
            inside += sum(id < limit for id in ids & theirs[1]) / limit
        return inside / total if total else 0.0

    def since(self, slot: int) -> Sample:
        """The requests from a slot on."""
        return Sample({stratum: one for stratum, one in self.items() if stratum[0] >= slot})

    def counts(self) -> dict[int, float]:
        """The estimated number of these requests by slot."""
        found: dict[int, float] = defaultdict(float)
        for (slot, _), (limit, ids) in self.items():
            found[slot] += len(ids) * HASHES / limit
        return dict(found)


def united(samples: Iterable[Sample]) -> Sample:
    """The requests of all samples."""
    found = Sample()
    for sample in samples:
        for stratum, (limit, ids) in sample.items():
            found.join(stratum, limit, ids)
    return found
