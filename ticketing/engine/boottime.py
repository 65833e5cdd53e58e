"""The clock of this machine that counts the time for which it was suspended."""

from __future__ import annotations

import time


def boottime() -> float:
    """Seconds since the boot, with those of a suspension where the system counts them."""
    which = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if which is None else time.clock_gettime(which)
