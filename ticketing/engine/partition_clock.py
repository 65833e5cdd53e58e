"""The clock of an owned partition: the broker's time, carried on between two messages.

Workers' times of day may be wrong, and the broker's may leap. The clock starts with the timestamp
that the broker gives to a message of ours, and runs on the time since this machine's boot until
another message sets it.
"""

from __future__ import annotations

STEP_SECONDS = 60.0
"""A message that says another time by more is believed when the next one says the same. An ordinary
correction of a broker's clock is smaller."""
REFRESH_SECONDS = 30.0
"""Between two messages while anything is due. A machine's clock drifts by less than a millisecond."""
CONFIRM_SECONDS = 1.0
"""Before the message that confirms another time: a single odd timestamp is over by then."""


class PartitionClock:
    """Unix seconds of the broker; `boot` are seconds since this machine's boot."""

    def __init__(self) -> None:
        self._base: float | None = None
        self._at = 0.0
        self._off: float | None = None
        """The difference that one message showed and none has confirmed."""

    def read(self, boot: float) -> float | None:
        """The time; None before the first message."""
        return None if self._base is None else self._base + (boot - self._at)

    def heard(self, stamp: float, boot: float) -> float:
        """Take the broker's timestamp of a message that was acknowledged at `boot`.

        Returns the seconds by which the clock steps, forward or back; 0 without a step.
        """
        known = self.read(boot)
        off = 0.0 if known is None else stamp - known
        if abs(off) <= STEP_SECONDS:
            self._set(stamp, boot)
            return 0.0
        if self._off is not None and abs(off - self._off) <= STEP_SECONDS:
            self._set(stamp, boot)
            return off
        self._off = off
        self._at, self._base = boot, known
        return 0.0

    def wants_message(self, boot: float) -> bool:
        """True if the last message is too long ago, or said another time that is to be confirmed."""
        wait = REFRESH_SECONDS if self._off is None else CONFIRM_SECONDS
        return self._base is None or boot - self._at >= wait

    def _set(self, stamp: float, boot: float) -> None:
        self._base, self._at, self._off = stamp, boot, None
