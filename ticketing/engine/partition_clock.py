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


DOUBT_SECONDS = 5.0
"""Without a look at the clock, which is looked at ten times a second: the process was stopped, the
machine suspended, or its clock stepped."""


class PartitionClock:
    """Unix seconds of the broker; `boot` are seconds since this machine's boot."""

    def __init__(self) -> None:
        self._base: float | None = None
        self._at = self._heard_at = self._looked_at = 0.0
        self._off: float | None = None
        """The difference that one message showed and none has confirmed."""
        self.in_doubt = False
        """True after a gap between two looks, until the next message."""
        self.is_overtaken = False
        """True after a message of others that the broker stamped later, until one of ours is."""

    def read(self, boot: float) -> float | None:
        """The time; None before the first message.

        After a gap between two looks the time stands still until the next message.
        """
        if self._base is None:
            return None
        if boot - self._looked_at > DOUBT_SECONDS:
            self.in_doubt = True
        if not self.in_doubt:
            self._looked_at = boot
        return self._base + (self._looked_at - self._at)

    def saw(self, stamp: float, boot: float) -> None:
        """Take note of the timestamp of a message that was read.

        One that is ahead shows that the broker's time has leapt, though nothing may be due here. One
        that is behind may have waited.
        """
        now = self.read(boot)
        if now is not None and stamp - now > STEP_SECONDS:
            self.is_overtaken = True

    def heard(self, stamp: float, boot: float) -> float:
        """Take the broker's timestamp of a message that was acknowledged at `boot`.

        Returns the seconds by which the clock steps, forward or back; 0 without a step.
        """
        stood = self.read(boot)
        if self._base is None or stood is None:
            self._set(stamp, boot)
            return 0.0
        off = stamp - (self._base + (boot - self._at))
        if abs(off) <= STEP_SECONDS or (self.in_doubt and abs(stamp - stood) <= STEP_SECONDS):
            self._set(stamp, boot)
            return 0.0
        if self._off is not None and abs(off - self._off) <= STEP_SECONDS:
            self._set(stamp, boot)
            return off
        self._off, self._heard_at = off, boot
        return 0.0

    def wants_message(self, boot: float) -> bool:
        """True where the last message is too long ago, or the time is in doubt."""
        if self.read(boot) is None:
            return True
        confirms = self._off is not None or self.in_doubt or self.is_overtaken
        return boot - self._heard_at >= (CONFIRM_SECONDS if confirms else REFRESH_SECONDS)

    def _set(self, stamp: float, boot: float) -> None:
        self._base, self._off = stamp, None
        self.in_doubt = self.is_overtaken = False
        self._at = self._heard_at = self._looked_at = boot
