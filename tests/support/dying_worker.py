"""`python dying_worker.py ROLE FLAG [ticks]`: a worker that dies once, between table and publish.

While the file FLAG exists, the first batch that has written the table and has something to publish
removes it and ends the process as `kill -9` would; with `ticks`, the first of nothing but ticks.
Without the file it is a worker like any other.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import ticketing.engine.keyed_agent
from ticketing import worker
from ticketing.engine import statemachine
from ticketing.kafka.runtime import Runtime


def dying(flag: Path, *, only_ticks: bool) -> type[ticketing.engine.keyed_agent.KeyedAgent[Any]]:
    """The agent that kills its process."""

    class Dying(ticketing.engine.keyed_agent.KeyedAgent[Any]):
        _ticks = False

        async def handle(self, records: list[Any], event: Any) -> None:
            self._ticks = all(record.key == statemachine.TICK_KEY for record in records)
            await super().handle(records, event)

        async def _send(self, tx: statemachine.Transaction[Any], outbox: Any) -> None:
            meant = self._ticks or not only_ticks
            if meant and tx.writes() and tx.sends():
                die_if_told(flag)
            await super()._send(tx, outbox)

    return Dying


def die_if_told(flag: Path) -> None:
    """End the process, once a flag."""
    if flag.exists():
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    # This folder, whose redis.py is not the library that a worker imports.
    sys.path.pop(0)
    role, flag = sys.argv[1], Path(sys.argv[2])
    agent = dying(flag, only_ticks="ticks" in sys.argv[3:])
    ticketing.engine.keyed_agent.KeyedAgent = agent  # type: ignore[misc]
    worker.run(role, Runtime.from_environ())
