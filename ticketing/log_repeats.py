"""Lines that repeat: said once, then counted.

With the broker away a client library says the same ten times a second. Of each line the first is
written; those that follow within a minute are counted, and the count is written at the minute's end
with the last of them.
"""

from __future__ import annotations

import copy
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 60.0
"""A line a minute is enough to see that a trouble lasts, and when it ended."""
TEXTS_MAX = 20
"""Different texts of one place in the code that are written within a window: an outage of ten
brokers is told in full, a thousand bad rows are not."""
PLACES_MAX = 500
"""Places in the code that are remembered, each with a few texts: below a megabyte in all."""
TEXT_CHARS_MAX = 300
"""The beginning by which two texts are the same."""

_NUMBER = re.compile(r"\d+")
_OWN = ("ticketing", "agents", "sinks", "tables", "__main__")


@dataclass
class _Said:
    """The texts of one place in the code within its window."""

    since: float
    texts: set[str]
    repeats: int = 0
    last: logging.LogRecord | None = None


class Repeats:
    """Decides which records are written. Safe to call from any thread."""

    def __init__(
        self,
        write: Callable[[logging.LogRecord], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        timer: bool = True,
    ) -> None:
        """`write` gets the records that sum up a window; `timer` writes them without a next line."""
        self._write = write
        self._clock = clock
        self._timer = timer
        self._timing = False
        self._lock = threading.Lock()
        self._said: OrderedDict[tuple[str, int, str], _Said] = OrderedDict()

    def passes(self, record: logging.LogRecord) -> bool:
        """True for a record to be written; a repeated one is counted."""
        place = (record.name, record.levelno, _template(record))
        text = _text(record)
        with self._lock:
            now = self._clock()
            over = self._over(now)
            said = self._said.get(place)
            if said is None:
                said = self._said[place] = _Said(now, {text})
                if len(self._said) > PLACES_MAX:
                    _, dropped = self._said.popitem(last=False)
                    over.append(dropped)
                passes = True
            elif text in said.texts or len(said.texts) >= TEXTS_MAX:
                said.repeats += 1
                said.last = record
                passes = False
            else:
                said.texts.add(text)
                passes = True
            wait = not passes and self._timer and not self._timing
            self._timing = self._timing or wait
        if wait:
            self._start_timer(WINDOW_SECONDS)
        self._sum_up(over)
        return passes

    def close(self) -> None:
        """Write what is counted so far."""
        with self._lock:
            over = list(self._said.values())
            self._said.clear()
        self._sum_up(over)

    def _start_timer(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._on_timer)
        timer.daemon = True
        timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            now = self._clock()
            over = self._over(now)
            # Repeats that came while this one ran are counted in windows that end later.
            ends = [said.since + WINDOW_SECONDS for said in self._said.values() if said.repeats]
            self._timing = bool(ends)
        if ends:
            self._start_timer(max(min(ends) - now, 0.0))
        self._sum_up(over)

    def _over(self, now: float) -> list[_Said]:
        """Take out the windows that have ended, oldest first."""
        over = []
        while self._said:
            place, said = next(iter(self._said.items()))
            if now - said.since < WINDOW_SECONDS:
                break
            del self._said[place]
            over.append(said)
        return over

    def _sum_up(self, over: list[_Said]) -> None:
        for said in over:
            if said.last is not None:
                self._write(_summed_up(said.last, said.repeats))


def _template(record: logging.LogRecord) -> str:
    message = record.msg
    if isinstance(message, dict):
        message = message.get("event")
    return _NUMBER.sub("#", str(message)[:TEXT_CHARS_MAX])


def _text(record: logging.LogRecord) -> str:
    """The text by which a line repeats; numbers are no difference in a library's."""
    if isinstance(record.msg, dict):
        text = repr([(k, v) for k, v in record.msg.items() if k not in ("timestamp", "exc_info")])
    else:
        text = _message(record)
    text = text[:TEXT_CHARS_MAX]
    own = record.name.partition(".")[0] in _OWN
    return text if own else _NUMBER.sub("#", text)


def _summed_up(record: logging.LogRecord, repeats: int) -> logging.LogRecord:
    """The last of the repeated records, with their number and without its traceback."""
    found = copy.copy(record)
    found.exc_info = found.exc_text = found.stack_info = None
    times = f"(repeated {repeats} times)"
    if isinstance(record.msg, dict):
        event = {k: v for k, v in record.msg.items() if k != "exc_info"}
        found.msg = {**event, "event": f"{event.get('event')} {times}", "repeated": repeats}
    else:
        # Without arguments a percent sign stands for itself.
        found.msg, found.args = f"{_message(record)} {times}", ()
        found.repeated = repeats
    return found


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001
        return str(record.msg)  # The handler says what is wrong with the arguments.
