"""The status of the models for the API, from the metrics of the processes that ask them.

The processes of a worker share their metrics in files. A worker without models, such as the API
alone, reads the numbers that the summaries' workers post in Redis.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import RedisError

from ticketing import metrics
from ticketing.config.insight import Llm
from ticketing.errors import Unavailable
from ticketing.llm.models import FAILURES, Outcome, label

FAMILIES = ("ticketing_llm_", "ticketing_summaries_")
POST_EVERY_SECONDS = 5.0
"""The lag of the status page; one small write a worker."""
POSTED_SECONDS = 86_400
"""The life of a worker's numbers after its last post: a day, as budgets have."""
CALLS = frozenset(outcome.value for outcome in Outcome if outcome is not Outcome.RESTING)


def lines(text: str) -> str:
    """The lines about models and summaries of a Prometheus text."""
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith(FAMILIES))


class Board:
    """The workers' numbers in Redis; without `redis` nothing is posted or read."""

    def __init__(self, redis: Any, prefix: str) -> None:
        self._redis = redis
        self._key = f"{prefix}:llm:status"
        # Named by the worker's directory, whose numbers go on when one of its processes restarts.
        shared = os.environ.get(metrics.MULTIPROCESS_VARIABLE, "")
        self._name = f"{socket.gethostname()}:{shared or os.getpid()}"

    async def post(self, text: str) -> None:
        """Post this worker's numbers; does nothing while Redis is away."""
        if self._redis is None:
            return
        key = f"{self._key}:{self._name}"
        try:
            await self._redis.set(key, lines(text).encode(), ex=POSTED_SECONDS)
        except RedisError:
            return

    async def read(self) -> list[str]:
        """The numbers of every worker; raises Unavailable when Redis does not answer."""
        if self._redis is None:
            return []
        try:
            keys = [key async for key in self._redis.scan_iter(f"{self._key}:*", count=1000)]
            found = await self._redis.mget(keys) if keys else []
        except RedisError as error:
            raise Unavailable(f"Redis does not answer ({type(error).__name__})") from None
        return [text.decode() for text in found if text is not None]


def document(llm: Llm, texts: Iterable[str], now: float | None = None) -> dict[str, Any]:
    """The answer of GET /api/v1/llm-status from the workers' numbers; `now` is Unix seconds."""
    now = time.time() if now is None else now
    calls: dict[str, dict[str, int]] = {}
    rests: dict[str, float] = {}
    cost = 0.0
    summaries: dict[str, int] = {}
    pending = 0
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                provider = sample.labels.get("provider", "")
                outcome = sample.labels.get("outcome", "")
                if sample.name == "ticketing_llm_calls_total":
                    counts = calls.setdefault(provider, {})
                    counts[outcome] = counts.get(outcome, 0) + int(sample.value)
                elif sample.name == "ticketing_llm_rests_until_seconds":
                    rests[provider] = max(rests.get(provider, 0.0), sample.value)
                elif sample.name == "ticketing_llm_cost_usd_total":
                    cost += sample.value
                elif sample.name == "ticketing_summaries_total":
                    summaries[outcome] = summaries.get(outcome, 0) + int(sample.value)
                elif sample.name == "ticketing_summaries_pending":
                    pending += int(sample.value)
    providers = []
    for one in llm.chain:
        name = label(one)
        counts = calls.get(name, {})
        providers.append(
            {
                "provider": one.provider,
                "model": one.model,
                "circuit": circuit(rests.get(name, 0.0), now),
                "calls": sum(n for outcome, n in counts.items() if outcome in CALLS),
                "failures": sum(counts.get(outcome.value, 0) for outcome in FAILURES),
                "outcomes": counts,
            }
        )
    first: dict[str, Any] = providers[0] if providers else {}
    return {
        "provider": first.get("provider", "disabled"),
        "model": first.get("model"),
        "circuit": first.get("circuit", "closed"),
        "calls": sum(one["calls"] for one in providers),
        "failures": sum(one["failures"] for one in providers),
        "cost": round(cost, 6),
        "currency": "USD",
        "providers": providers,
        "summaries": {**summaries, "pending": pending},
    }


def circuit(rests_until: float, now: float) -> str:
    """`closed` while a model answers, `open` while it rests, then `half-open`."""
    if not rests_until:
        return "closed"
    return "open" if now < rests_until else "half-open"


def own() -> str:
    """This worker's numbers, summed over the processes that share a directory for metrics."""
    return lines(metrics.render().decode())
