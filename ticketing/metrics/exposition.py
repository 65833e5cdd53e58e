"""The metrics in Prometheus's text format, of one process or of all that share a directory."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.mmap_dict import MmapedDict, mmap_key
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


def share(directory: str, *metrics: MetricWrapperBase) -> None:
    """Put the present values of this process's metrics among those of the processes in `directory`.

    For a process that keeps its own values in memory, as a supervisor does; counters and gauges.
    """
    for metric in metrics:
        kind = metric._type
        if kind == "gauge":
            kind += f"_{metric._multiprocess_mode}"  # type: ignore[attr-defined]
        values = MmapedDict(os.path.join(directory, f"{kind}_{os.getpid()}.db"))  # type: ignore[no-untyped-call]
        try:
            for family in metric.collect():
                for sample in family.samples:
                    if not sample.name.endswith("_created"):
                        key = mmap_key(
                            family.name,
                            sample.name,
                            list(sample.labels),
                            list(sample.labels.values()),
                            family.documentation,
                        )
                        values.write_value(key, sample.value, time.time())  # type: ignore[no-untyped-call]
        finally:
            values.close()  # type: ignore[no-untyped-call]


def forget(pid: int, directory: str | None = None) -> None:
    """Remove a dead process's gauges from the sum; its counters stay."""
    directory = directory or os.environ.get(MULTIPROCESS_VARIABLE)
    if directory:
        multiprocess.mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
