"""Every fault mode of the sandbox on every platform, one after the other, while something runs."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from support.sandbox import SandboxProcess

MODES: dict[str, dict[str, Any]] = {
    "latency": {"mode": "latency", "seconds": 1.5},
    "rate_limit": {"mode": "rate_limit", "retry_after": 1},
    "server_error": {"mode": "server_error", "status": 503},
    "server_error_after_accepting": {"mode": "server_error", "status": 500, "after_accept": True},
    "timeout_after_accepting": {"mode": "timeout_after_accept", "seconds": 4},
    "malformed": {"mode": "malformed"},
    "garbled": {"mode": "garbled", "form": "bytes"},
    "down": {"mode": "down"},
}
HITS_EACH = 2
SECONDS_EACH_MAX = 8.0


class Weather:
    """Changes each platform's fault until every mode has struck, then begins again."""

    def __init__(self, sandbox: SandboxProcess, platforms: Sequence[str], seed: int) -> None:
        self.hits: Counter[tuple[str, str]] = Counter()
        self._sandbox = sandbox
        self._platforms = platforms
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weather", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Fair weather from now on."""
        self._stop.set()
        self._thread.join(60)
        for platform in self._platforms:
            self._sandbox.set_fault(platform, "none")

    def missing(self) -> list[tuple[str, str]]:
        """What has not struck yet."""
        wanted = [(platform, mode) for platform in self._platforms for mode in MODES]
        return [pair for pair in wanted if not self.hits[pair]]

    def _run(self) -> None:
        now: dict[str, str] = {}
        waited: dict[str, float] = {}
        while not self._stop.wait(0.5):
            faults = self._sandbox.summary()["faults"]
            for platform in self._platforms:
                known, mode = faults[platform], now.get(platform)
                waited[platform] = waited.get(platform, 0.0) + 0.5
                over = known["count"] == 0 or waited[platform] > SECONDS_EACH_MAX
                if mode is not None and not over:
                    continue
                if mode is not None:
                    self.hits[platform, mode] += known["hits"]
                now[platform] = self._next(platform)
                waited[platform] = 0.0
                self._sandbox.set_fault(platform, count=HITS_EACH, **MODES[now[platform]])

    def _next(self, platform: str) -> str:
        fewest = min(self.hits[platform, mode] for mode in MODES)
        return self._random.choice([m for m in MODES if self.hits[platform, m] == fewest])
