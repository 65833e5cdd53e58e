"""The pipeline, which kills itself between a tick's writing of its table and what it publishes.

Run as `python -m support.dying_worker`, with the environment of a worker.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from ticketing import statemachine, worker
from ticketing.agent import KeyedAgent
from ticketing.runtime import Runtime


class _Dying(KeyedAgent[Any]):
    _only_ticks = False

    async def handle(self, records: list[Any], event: Any) -> None:
        self._only_ticks = all(record.key == statemachine.TICK_KEY for record in records)
        await super().handle(records, event)

    async def _send(self, tx: statemachine.Transaction[Any], outbox: Any) -> None:
        if self._only_ticks and tx.writes() and tx.sends():
            os.kill(os.getpid(), signal.SIGKILL)
        await super()._send(tx, outbox)


if __name__ == "__main__":
    import ticketing.agent

    ticketing.agent.KeyedAgent = _Dying  # type: ignore[misc]
    worker.run(worker.PIPELINE, Runtime.from_environ())
