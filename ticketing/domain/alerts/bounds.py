"""The bound of an alert in bytes, and the order in which evidence goes to keep it.

Counts, times, names and state always stay; `left_out` says what was cut.
"""

from __future__ import annotations

from collections.abc import Callable

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.records import replace
from ticketing.domain.text import bounded as bounded_text

ALERT_BYTES_MAX = 8_000
"""So that the hundred alerts of an event message stay below Kafka's default limit of a megabyte."""
MESSAGE_BYTES_KEPT = 1_000
"""The first lines of a trace, or a paragraph."""
TEXT_BYTES_KEPT = 500
"""A long line, for which a pattern or title that is so long is still known."""
SOME = 5
"""Entries of a list that still show what kind of thing it holds."""

Size = Callable[[Alert], int]
"""The bytes of an alert as it is encoded."""


def bounded(alert: Alert, size_of: Size, bytes_max: int = ALERT_BYTES_MAX) -> Alert:
    """The alert with as much of its evidence as fits; the very same if all of it does."""
    if size_of(alert) <= bytes_max:
        return alert
    names = set(alert.left_out)
    for name, cut in _CUTS:
        after = cut(alert)
        if after != alert:
            names.add(name)
            alert = replace(after, left_out=sorted(names))
        if size_of(alert) <= bytes_max:
            break
    return alert


def _messages(alert: Alert) -> Alert:
    short = [
        replace(sample, message=bounded_text(sample.message, MESSAGE_BYTES_KEPT))
        for sample in alert.samples
    ]
    return replace(alert, samples=short)


def _affected(alert: Alert) -> Alert:
    return replace(
        alert,
        trace_ids=alert.trace_ids[-SOME:],
        endpoints=alert.endpoints[:SOME],
        affected_services=alert.affected_services[:SOME],
    )


def _descriptions(alert: Alert) -> Alert:
    return replace(
        alert,
        pattern=bounded_text(alert.pattern, TEXT_BYTES_KEPT),
        title=bounded_text(alert.title, TEXT_BYTES_KEPT),
    )


def _details(alert: Alert) -> Alert:
    return replace(alert, samples=[], trace_ids=[], endpoints=[], affected_services=[])


_CUTS: tuple[tuple[str, Callable[[Alert], Alert]], ...] = (
    ("messages", _messages),
    ("affected", _affected),
    ("samples", lambda alert: replace(alert, samples=alert.samples[:1])),
    ("descriptions", _descriptions),
    ("details", _details),
)
"""The cuts in their order, each with its name."""
