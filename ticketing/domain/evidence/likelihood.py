"""The weight of evidence: how certain a rate has risen, and what all evidence says of services."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

STRENGTH_MAX = 40.0
"""Nats: no single observation outweighs everything else."""
MISSES_MIN = 1e-9
"""Of counts that are shares of one: less than this is rounding, and no miss."""


class Weighed(Protocol):
    """Evidence of a kind (`sign`) against a service, with its strength in nats."""

    @property
    def service(self) -> str:
        """The service."""

    @property
    def sign(self) -> object:
        """The kind of evidence."""

    @property
    def strength(self) -> float:
        """The strength in nats."""


def strength(hits: float, trials: float, hits_before: float, trials_before: float) -> float:
    """The certainty (nats) that a rate has risen: half the log-likelihood ratio, 0 if it has not."""
    if trials <= 0 or hits <= 0:
        return 0.0
    # Half an event in one more trial: an event not seen before is not impossible.
    hits_before, trials_before = hits_before + 0.5, trials_before + 1.0
    rate, rate_before = min(1.0, hits / trials), min(1.0, hits_before / trials_before)
    if rate <= rate_before:
        return 0.0
    both = min(1.0, (hits + hits_before) / (trials + trials_before))
    ratio = (
        _likelihood(hits, trials, rate)
        + _likelihood(hits_before, trials_before, rate_before)
        - _likelihood(hits, trials, both)
        - _likelihood(hits_before, trials_before, both)
    )
    return min(STRENGTH_MAX, max(0.0, ratio))


def _likelihood(hits: float, trials: float, rate: float) -> float:
    misses = max(0.0, trials - hits)
    found = hits * math.log(rate) if hits > 0 and rate > 0 else 0.0
    return found + (misses * math.log(1 - rate) if misses > MISSES_MIN and rate < 1 else 0.0)


def ranked(evidence: Iterable[Weighed]) -> dict[str, float]:
    """Services by the evidence against them (nats), strongest first.

    Of one kind, the strongest counts in full and each further one for less: many operations show
    the same fault again.
    """
    by_service: dict[str, dict[object, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in evidence:
        by_service[one.service][one.sign].append(one.strength)
    scores = {
        service: sum(
            value / (place + 1)
            for values in kinds.values()
            for place, value in enumerate(sorted(values, reverse=True))
        )
        for service, kinds in by_service.items()
    }
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
