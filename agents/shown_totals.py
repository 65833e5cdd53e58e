"""The balance of the records in the metrics: each partition's owner shows its totals.

What is shown belongs to a committed offset: it never falls back, as nothing below is read again.
"""

from __future__ import annotations

from typing import Any

import structlog
from faust.types import TP

from agents.source_totals import SourceTotals
from ticketing import metrics
from ticketing.engine.guarded import Failure, guarded
from ticketing.wire.notes import decode_counted, encode_counted
from ticketing.wire.topics import SIGNALS

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 1.0
"""As often as offsets are committed; a look at what is shown costs next to nothing."""


class ShownTotals:
    """Shows the totals of the partitions that this process owns, and takes back the others."""

    def __init__(self, app: Any, sources: SourceTotals, topics: frozenset[str]) -> None:
        """`topics` are the input's."""
        self._app = app
        self._sources = sources
        self._topics = topics
        self._shown: dict[TP, list[metrics.OwnedCounter]] = {}
        app.notes.listen(self.show)

    def counted(self, partition: int, offset: int, total: int) -> None:
        """Keep the anomalies that a partition of the signals has counted with its next commit."""
        self._app.notes.put(TP(SIGNALS, partition), offset, encode_counted(total))

    async def run(self) -> None:
        """Look at what this process owns, until the app stops."""
        while not self._app.should_stop:
            await self._app.sleep(LOOK_EVERY_SECONDS)
            # During a rebalance nobody else has the partitions yet.
            if not self._app.rebalancing:
                self.show()

    def show(self) -> None:
        """Show what is committed. A failure costs the metrics and never a commit."""
        failed = guarded(self._show)
        if isinstance(failed, Failure):
            log.error("totals_not_shown", why=failed.detail)

    def _show(self) -> None:
        owned = self._app.consumer.assignment()
        for tp in {*self._shown, *self._sources.read()} - owned:
            for counter in self._shown.pop(tp, ()):
                counter.give_up()
            self._sources.forget(tp)
        for tp in owned:
            if tp.topic in self._topics:
                self._show_source(tp)
            elif tp.topic == SIGNALS:
                self._show_counted(tp)

    def _show_source(self, tp: TP) -> None:
        if not self._app.notes.is_known(tp):
            return  # Zero would look like a value that fell.
        topic, partition = tp.topic, str(tp.partition)
        found = self._sources.committed(tp)
        metrics.records_total.labels(topic, partition).set(found.records)
        metrics.records_below_threshold_total.labels(topic, partition).set(found.below)
        metrics.records_repaired_total.labels(topic, partition).set(found.repaired)
        metrics.clock_corrections_total.labels(topic, partition).set(found.clock_corrections)
        metrics.records_unscored_total.labels(topic, partition).set(found.unscored)
        self._shown[tp] = [
            metrics.records_total.labels(topic, partition),
            metrics.records_below_threshold_total.labels(topic, partition),
            metrics.records_repaired_total.labels(topic, partition),
            metrics.clock_corrections_total.labels(topic, partition),
            metrics.records_unscored_total.labels(topic, partition),
        ]
        for reason, count in found.dead.items():
            metrics.records_dead_lettered_total.labels(reason, topic, partition).set(count)
            self._shown[tp].append(
                metrics.records_dead_lettered_total.labels(reason, topic, partition)
            )

    def _show_counted(self, tp: TP) -> None:
        committed = self._app.notes.committed(tp)
        total = None if committed is None else decode_counted(committed[1])
        if total is not None:
            metrics.anomalies_counted_total.labels(str(tp.partition)).set(total)
            self._shown[tp] = [metrics.anomalies_counted_total.labels(str(tp.partition))]
