"""Anomalies that are about a slow piece of work: known by its operation, not by harmless texts.

A scorer marks every line of a slow span. Their texts say what the work does when all is well, so
that one slow span would be as many alerts as it has lines.
"""

from __future__ import annotations

import re

from ticketing.domain.alerts.levels import Rank, rank_of
from ticketing.domain.patterns.word import MASK, mask_word
from ticketing.domain.text import cleaned, cut, line

SLOW_MS_MIN = 10.0
"""Nobody calls shorter work slow: the score of such a line is about its text."""
DURATION_MS_MAX = 86_400_000.0
"""A day: a longer duration is no duration of a request."""
ENDPOINT_CHARS_MAX = 256
"""As much as alerts keep of an endpoint."""

_QUERY = re.compile(r"[?#].*", re.DOTALL)
_HOST = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,15}://[^\s/]*")
_PART = re.compile(r"[^\s/.]+")
_VERSION = re.compile(r"[vV]\d{1,3}")
_PLACEHOLDER = re.compile(
    r"\{[^{}/\s]{0,64}\}|<[^<>/\s]{0,64}>|:[A-Za-z_]\w{0,63}|\[[^\[\]/\s]{0,64}\]"
)


def is_harmless(level: object) -> bool:
    """True for a level below a warning; a level that is not known may be a warning or an error."""
    return rank_of(level) is Rank.HARMLESS


def is_slow_work(
    duration_ms: float | None, endpoint: str | None, error_message: str | None
) -> bool:
    """True for a harmless anomaly that states how long an operation took, and no error.

    A negative or endless duration is none.
    """
    if duration_ms is None or not endpoint or (error_message and not error_message.isspace()):
        return False
    return SLOW_MS_MIN <= duration_ms <= DURATION_MS_MAX


def operation_of(endpoint: str) -> str:
    """The operation of an endpoint: ids and numbers in its path masked, without host and query.

    Versions stay (`/v2/`), and so do the parameters of a route (`{id}`, `:id`, `<id>`).
    """
    text = line(cleaned(endpoint[:ENDPOINT_CHARS_MAX]))
    text = _HOST.sub("", _QUERY.sub("", text)).rstrip()
    return _PART.sub(_masked, text) or MASK


def slow_pattern(operation: str) -> str:
    """The pattern of slow work as people see it."""
    return f"slow: {operation}"


def slow_title(endpoint: str, duration_ms: float, chars_max: int) -> str:
    """The title of an alert of slow work, such as `GET /cart is slow: 2.3 s`."""
    said = f" is slow: {_spoken(duration_ms)}"
    return cut(line(cleaned(endpoint[:ENDPOINT_CHARS_MAX])), chars_max - len(said)) + said


def _masked(match: re.Match[str]) -> str:
    part = match.group()
    stays = _PLACEHOLDER.fullmatch(part) or _VERSION.fullmatch(part)
    return part if stays else mask_word(part)


def _spoken(duration_ms: float) -> str:
    """A duration of at least a millisecond in two digits or whole units: `380 ms`, `2.3 s`, `4 min`."""
    if duration_ms < 999.5:
        return f"{duration_ms:.0f} ms"
    seconds = duration_ms / 1000.0
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min"
