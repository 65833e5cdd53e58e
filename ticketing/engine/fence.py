"""The fence: a worker that was asleep for too long must not write over its successor.

After a session timeout without an answer from the group's coordinator, somebody else owns our
partitions. A process that was stopped (SIGSTOP, a paused machine) wakes up in the middle of what
it did; before it produces or requests anything it looks at its last answered heartbeat and leaves.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from ticketing.engine.watchdog import leave


class Fence:
    """Knows until when this process may write. Times are monotonic seconds."""

    def __init__(
        self,
        session_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[str], None] = leave,
    ) -> None:
        self._session_seconds = session_seconds
        self._clock = clock
        self._leave = leave
        self._heard_at: Callable[[], float | None] = lambda: None

    def check(self) -> None:
        """Leave the process if the group may have given our partitions away."""
        heard_at = self._heard_at()
        if heard_at is None:
            return
        silence = self._clock() - heard_at
        if silence > self._session_seconds:
            self._leave(
                f"Kafka has answered no heartbeat for {silence:.1f} s: partitions may be lost"
            )

    def attach(self, app: Any) -> None:
        """Listen to the app's consumer, and stand before every request of its producer.

        Must be called once the app has started. What the producer holds in its buffers when the
        process falls asleep is stopped here too.
        """
        self._heard_at = lambda: app.consumer.heard_at
        client = app.producer._producer.client
        send = client.send

        async def fenced(*args: Any, **kwargs: Any) -> Any:
            self.check()
            return await send(*args, **kwargs)

        client.send = fenced
        signal.signal(signal.SIGCONT, lambda *_: self.check())
