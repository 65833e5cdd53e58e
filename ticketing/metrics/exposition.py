"""The metrics in Prometheus's text format, of one process or of all that share a directory."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from ticketing.metrics.declaration import counter_of, registry

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# A starting process writes the head of its file within milliseconds.
READ_TRIES = 5
READ_AGAIN_SECONDS = 0.02


class _Processes(Collector):
    """The metrics in the files of a directory."""

    def __init__(self, directory: str) -> None:
        self._files = multiprocess.MultiProcessCollector(None, path=directory)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        return [counter_of(metric) for metric in self._files.collect()]  # type: ignore[no-untyped-call]


def render(directory: str | None = None) -> bytes:
    """The metrics in Prometheus's text format, of all processes that share the directory.

    Without `directory`, the one of the environment; without either, the metrics of this process.
    """
    directory = directory or os.environ.get(MULTIPROCESS_VARIABLE)
    if not directory:
        return generate_latest(registry)
    together = CollectorRegistry()
    together.register(_Processes(directory))
    for _ in range(READ_TRIES - 1):
        try:
            return generate_latest(together)
        except struct.error:
            # A starting process has created its file but not yet written the head.
            time.sleep(READ_AGAIN_SECONDS)
    return generate_latest(together)


def forget(pid: int, directory: str | None = None) -> None:
    """Remove a dead process's gauges from the sum; its counters stay."""
    directory = directory or os.environ.get(MULTIPROCESS_VARIABLE)
    if directory:
        multiprocess.mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
