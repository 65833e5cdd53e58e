"""Lag, rebalances and table sizes of an app as metrics."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ticketing import metrics
from ticketing.engine.row_index import entries_in

log = logging.getLogger(__name__)

TABLES_EVERY_SECONDS = 15.0
"""RocksDB answers from memory, but for every partition; scrapes are rarely nearer to each other."""
ROWS, BYTES = "rocksdb.estimate-num-keys", "rocksdb.total-sst-files-size"
"""Properties of RocksDB."""


class AppMetrics:
    """The metrics of one app. `update` is to be called about once a second."""

    def __init__(self, app: Any, role: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._role = role
        self._clock = clock
        self._tables_at = -TABLES_EVERY_SECONDS
        self._generation: int | None = None
        self._topics: set[str] = set()

    def update(self) -> None:
        """Set the metrics anew. A failure to look is logged and ends nothing."""
        try:
            self._rebalances()
            self._lag()
            if self._clock() - self._tables_at >= TABLES_EVERY_SECONDS:
                self._tables_at = self._clock()
                self._tables()
        except Exception as error:  # noqa: BLE001  (a metric must not end the work)
            log.warning("metrics of %s: %s: %s", self._role, type(error).__name__, error)

    def _rebalances(self) -> None:
        generation = self._app.consumer_generation_id
        if generation <= 0 or generation == self._generation:
            return
        # A new group may begin to count anew.
        steps = 1 if self._generation is None else max(1, generation - self._generation)
        metrics.rebalances_total.labels(self._role).inc(steps)
        self._generation = generation

    def _lag(self) -> None:
        consumer = self._app.consumer
        found: Counter[str] = Counter()
        for tp in consumer.assignment():
            if tp.topic in consumer.scheduler.batched:
                found[tp.topic] += consumer.lag(tp) or 0
        # Partitions that went to another worker are its lag.
        for topic in self._topics - found.keys():
            metrics.lag_records.labels(self._role, topic).set(0)
        for topic, records in found.items():
            metrics.lag_records.labels(self._role, topic).set(records)
        self._topics |= found.keys()

    def _tables(self) -> None:
        for name, table in self._app.tables.items():
            rows, size = table_size(table)
            metrics.table_rows.labels(self._role, name).set(rows)
            metrics.table_bytes.labels(self._role, name).set(size)


def table_size(table: Any) -> tuple[int, int]:
    """Rows, about, and bytes on disk of the partitions of a table that this worker holds."""
    opened = list(table.data._dbs.values())
    rows = _sum(opened, ROWS) - sum(entries_in(one) for one in opened)
    return max(0, rows), _sum(opened, BYTES)


def _sum(databases: list[Any], key: str) -> int:
    return sum(database.property_int_value(key) or 0 for database in databases)
