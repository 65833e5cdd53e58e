"""The logs that the benchmark runs on: enriched logs of about 480 bytes, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timezone

SERVICES = 40
PATTERNS_PER_SERVICE = 25
ANOMALOUS_SHARE = 0.04
FAULTS = {"normal": 50, "repeat": 200, "distinct": SERVICES * PATTERNS_PER_SERVICE}
"""How many patterns the anomalies have: a few faults on any day, many in a storm."""
MESSAGES_PER_PATTERN = 10
"""So often a pattern comes with other values, in a storm of messages that repeat."""
LINES_PER_TRACE = 24
"""How many lines a request leaves, over all partitions."""
TRACE_ID_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC834
"""Spreads the ids of traces over all 128 bits, the same in every run."""
START = 1_790_000_000.0
"""Unix seconds; past, since a time ahead of its arrival would be corrected, record by record."""
_ADVERBS = ("early", "late", "twice", "badly", "slowly")
_VERBS = ("refused", "lost", "dropped", "rejected", "corrupted")


def message(number: int, rng: random.Random) -> str:
    """One of a thousand patterns, with values of its own."""
    pattern = number % (SERVICES * PATTERNS_PER_SERVICE)
    word = chr(97 + pattern % 26) + chr(97 + pattern // 26 % 26) + "ing"
    verb = _VERBS[pattern % 5]
    adverb = _ADVERBS[pattern // 5 % 5]
    return (
        f"{word} of order {rng.getrandbits(40)} {verb} {adverb} after {rng.randrange(9000)} ms"
        f" by node-{rng.randrange(99)} (request {rng.getrandbits(64):016x})"
    )


class Repeated:
    """The few messages of each pattern."""

    def __init__(self, rng: random.Random) -> None:
        count = SERVICES * PATTERNS_PER_SERVICE
        self._messages = [
            [message(n, rng) for _ in range(MESSAGES_PER_PATTERN)] for n in range(count)
        ]

    def __getitem__(self, number: int) -> list[str]:
        return self._messages[number % len(self._messages)]


def logs(count: int, kind: str, seed: int = 1) -> Iterator[bytes]:
    """`count` logs: `normal` (4% anomalous), `repeat` or `distinct` (all anomalous).

    Every message has values of its own, but for `repeat`.
    """
    rng = random.Random(seed)
    repeated = Repeated(rng)
    for number in range(count):
        anomalous = kind != "normal" or rng.random() < ANOMALOUS_SHARE
        which = rng.randrange(FAULTS[kind]) if anomalous else number
        text = rng.choice(repeated[which]) if kind == "repeat" else message(which, rng)
        score = rng.uniform(0.86, 0.99) if anomalous else rng.uniform(0.0, 0.3)
        yield log(which, number, text, score, rng)


def log(which: int, number: int, text: str, score: float, rng: random.Random) -> bytes:
    """One enriched log as JSON; `which` chooses its service."""
    at = datetime.fromtimestamp(START + number / 20_000, timezone.utc)
    return json.dumps(
        {
            "@timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "log_id": f"{rng.getrandbits(128):032x}",
            "level": "ERROR" if score > 0.85 else "INFO",
            "message": text,
            "service": f"service-{chr(97 + which % SERVICES % 26)}{which % SERVICES // 26}",
            "tenant_id": "bench",
            "environment": "production",
            "host_name": f"host-{rng.randrange(200)}",
            "trace_id": f"{number // LINES_PER_TRACE * TRACE_ID_STEP % 2**128:032x}",
            "span_id": f"{rng.getrandbits(64):016x}",
            "endpoint": f"Controller{number % 7}.call",
            "duration_ms": round(rng.expovariate(1 / 40), 3),
            "anomaly_score": round(score, 4),
        },
        separators=(",", ":"),
    ).encode()
