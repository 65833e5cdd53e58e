"""The wait before the next attempt: exponential, with full jitter, and repeatable."""

from __future__ import annotations

import random
from dataclasses import dataclass

DOUBLINGS_MAX = 32
"""Beyond any cap; keeps the power from overflowing after many failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Bounds of the wait, in seconds: up to `first` after one failure, doubling up to `cap`."""

    first: float
    cap: float
    floor: float = 0.2
    """Full jitter may give no wait at all, which a platform in trouble should not get."""

    def seconds(self, failures: int, seed: str) -> float:
        """A wait between `floor` and the bound for the number of failures.

        Full jitter spreads the attempts of many incidents; the seed makes the decision pure.
        Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        doublings = min(max(failures - 1, 0), DOUBLINGS_MAX)
        bound = min(self.cap, self.first * 2.0**doublings)
        return max(self.floor, random.Random(seed).uniform(0.0, bound))
