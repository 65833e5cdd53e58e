"""The fence: a worker that slept for too long must not write over its successor.

After a session timeout without an answer from the group's coordinator, another worker owns the
partitions. A process that was stopped (SIGSTOP, a paused machine) resumes in mid-batch; the fence
checks the last answered heartbeat before each write or request and ends the process.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from ticketing.engine.boottime import boottime
from ticketing.engine.departure import leave
from ticketing.restarts import Reason


class Fence:
    """Holds the time until which this process may write, in seconds since the boot."""

    def __init__(
        self,
        session_seconds: float,
        *,
        clock: Callable[[], float] = boottime,
        leave: Callable[[str, Reason], None] = leave,
    ) -> None:
        self._session_seconds = session_seconds
        self._clock = clock
        self._leave = leave
        self._heard_at: Callable[[], float | None] = lambda: None

    def check(self) -> None:
        """Leave if the group may have given the partitions away."""
        heard_at = self._heard_at()
        if heard_at is None:
            return
        silence = self._clock() - heard_at
        if silence > self._session_seconds:
            self._leave(
                f"Kafka has answered no heartbeat for {silence:.1f} s: partitions may be lost",
                "asleep",
            )

    def attach(self, app: Any) -> None:
        """Listen to the app's consumer, and stand before every request of its producer.

        Must be called once the app has started. Messages already in the producer's buffers are
        stopped too.
        """
        self._heard_at = lambda: app.consumer.heard_at
        client = app.producer._producer.client
        send = client.send

        async def fenced(*args: Any, **kwargs: Any) -> Any:
            self.check()
            return await send(*args, **kwargs)

        client.send = fenced
        signal.signal(signal.SIGCONT, lambda *_: self.check())
