"""The pipeline as `ticketing worker pipeline` builds it, with a look at its own counters."""

from __future__ import annotations

import asyncio
import sys

from pace import SKIPPED_SHARE, Pace

from agents.shown_totals import ShownTotals
from ticketing import metrics
from ticketing.kafka.runtime import Runtime
from ticketing.roles import PIPELINE
from ticketing.worker import build, configure_logging, freeze_garbage_collector

LOOK_EVERY_SECONDS = 0.005


def main(total: int, anomalies: int, skipped_share: float = SKIPPED_SHARE) -> None:
    """Everything must be read, and every anomaly counted in an incident."""
    runtime = Runtime.from_environ()
    configure_logging(runtime.config)
    runtime.ensure_topics()
    counted = _counted()
    app = build(PIPELINE, runtime)
    pace = Pace(total, skipped_share)

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            read = metrics.batch_records_total.labels("detection")._value.get()
            left = max(0, anomalies - sum(counted.values())) if read >= total else 0
            pace.at(int(read - left))

    app.task(watch)
    freeze_garbage_collector()
    app.Worker(loglevel="ERROR", quiet=True, override_logging=False).execute_from_commandline()


def _counted() -> dict[int, int]:
    """The anomalies that each partition has counted, told at once and not with the next commit."""
    found: dict[int, int] = {}
    keep = ShownTotals.counted

    def counted(self: ShownTotals, partition: int, offset: int, total: int) -> None:
        found[partition] = total
        keep(self, partition, offset, total)

    ShownTotals.counted = counted  # type: ignore[method-assign]
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:]))
