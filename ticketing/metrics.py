"""Every metric, and their text for Prometheus.

With PROMETHEUS_MULTIPROC_DIR set before this module is imported, the processes of a worker keep
their values in files there, and each of them can render the sum. Labels take few values by
construction: platforms, severities, apps, configured models and closed lists of reasons; never a
tenant, a service or an address.
"""

from __future__ import annotations

import os
import struct
import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

READ_TRIES = 5
READ_AGAIN_SECONDS = 0.02

registry = CollectorRegistry()

_DELIVERY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_PATH_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
_BATCH_BUCKETS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"ticketing_{name}", text, labels, registry=registry)


def _sum(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"ticketing_{name}", text, labels, registry=registry, multiprocess_mode="livesum")


def _latest(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(
        f"ticketing_{name}", text, labels, registry=registry, multiprocess_mode="livemostrecent"
    )


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"ticketing_{name}", text, labels, registry=registry, buckets=buckets)


# Conservation: records = below threshold + counted + dead-lettered, once everything is handled.
records_total = _counter("records_total", "Input records read.")
records_below_threshold_total = _counter(
    "records_below_threshold_total", "Input records below anomaly.minimumScore."
)
anomalies_counted_total = _counter(
    "anomalies_counted_total", "Input records counted in an incident."
)
records_dead_lettered_total = _counter(
    "records_dead_lettered_total", "Input records that could not be handled.", "reason"
)

signals_total = _counter("signals_total", "Signals handled by the incidents' writer.", "kind")
incidents_opened_total = _counter("incidents_opened_total", "Incidents opened.", "severity")
incidents_reopened_total = _counter("incidents_reopened_total", "Incidents reopened.", "severity")
incidents_resolved_total = _counter("incidents_resolved_total", "Incidents resolved.", "severity")
incidents_escalated_total = _counter("incidents_escalated_total", "Incidents escalated.", "by")
incidents_open = _sum("incidents_open", "Incidents that are not resolved.")
incidents_held_total = _counter(
    "incidents_held_total", "Incidents whose ticket is another's, by storm guard.", "guard"
)
clock_corrections_total = _counter(
    "clock_corrections_total", "Records whose event time was implausible and was replaced."
)
dead_letters_total = _counter(
    "dead_letters_total", "Messages sent to the dead letters.", "stage", "reason"
)

deliveries_total = _counter(
    "deliveries_total", "Requests to platforms, by outcome.", "platform", "outcome"
)
delivery_seconds = _histogram(
    "delivery_seconds", "Time a request to a platform took.", _DELIVERY_BUCKETS, "platform"
)
ticket_seconds = _histogram(
    "ticket_seconds", "From an incident's ticket time to its receipt.", _PATH_BUCKETS, "platform"
)
deliveries_pending = _sum("deliveries_pending", "Incidents a platform is behind with.", "platform")
circuit_open = _latest("circuit_open", "1 while a platform gets probes only.", "platform")
fallbacks_total = _counter(
    "fallbacks_total", "Incidents sent to routing.fallback.", "platform", "reason"
)
heartbeats_total = _counter("heartbeats_total", "Calls of heartbeatUrl.", "outcome")

batch_seconds = _histogram(
    "batch_seconds", "Time an agent took for a batch.", _BATCH_BUCKETS, "agent"
)
batch_records_total = _counter("batch_records_total", "Records an agent handled.", "agent")
app_ready = _latest("app_ready", "1 while tables are recovered and nothing rebalances.", "app")

spans_total = _counter("spans_total", "Spans followed.")
spans_dropped_total = _counter("spans_dropped_total", "Spans let go unread.", "reason")
llm_calls_total = _counter(
    "llm_calls_total", "Calls of a language model, by how they ended.", "provider", "outcome"
)
llm_seconds = _histogram("llm_seconds", "Time a call of a language model took.", _PATH_BUCKETS)
llm_cost_total = _counter("llm_cost_usd_total", "US dollars spent on language models.")
llm_rests_until = _latest(
    "llm_rests_until_seconds",
    "Until when a model is left alone (Unix time); 0 for not.",
    "provider",
)
summaries_total = _counter("summaries_total", "Incidents a summary was wanted for.", "outcome")
summaries_pending = _sum("summaries_pending", "Incidents that wait for their summary.")
view_writes_total = _counter("view_writes_total", "Incidents written to the view.", "outcome")
http_requests_total = _counter("http_requests_total", "API requests.", "method", "status")


def render() -> bytes:
    """The metrics in Prometheus's text format, of all processes if they share a directory."""
    directory = os.environ.get(MULTIPROCESS_VARIABLE)
    if not directory:
        return generate_latest(registry)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together, path=directory)  # type: ignore[no-untyped-call]
    for _ in range(READ_TRIES - 1):
        try:
            return generate_latest(together)
        except struct.error:
            # A process that starts has made its file and not yet written its head.
            time.sleep(READ_AGAIN_SECONDS)
    return generate_latest(together)


def forget(pid: int, directory: str | None = None) -> None:
    """Take a dead process's gauges out of the sum; its counters stay."""
    directory = directory or os.environ.get(MULTIPROCESS_VARIABLE)
    if directory:
        multiprocess.mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
