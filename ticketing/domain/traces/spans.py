"""The spans of a request, gathered from its log lines. Times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.alerts.levels import Rank, words_from

ERROR_LEVELS = words_from(Rank.ERROR)
_NOTHING = frozenset(
    {
        *("-", "none", "null", "nil", "nan", "undefined", "unknown", "n/a", "na", "false"),
        *("<nil>", "<null>", "<none>", "(null)", "(nil)", "(none)", "[object object]"),
    }
)
"""Texts that programs write for an id that they do not have."""


@dataclass(frozen=True, slots=True)
class Line:
    """One log line of a request. `fingerprint` is set where it counts in an incident."""

    at: float
    span_id: str
    parent_id: str
    service: str
    endpoint: str
    level: str
    duration: float
    score: float
    message: str
    fingerprint: str = ""
    host: str = ""

    @property
    def failed(self) -> bool:
        """True if the line tells of a failure."""
        return self.level in ERROR_LEVELS


@dataclass(slots=True)
class Span:
    """One piece of work of one service, as its log lines show it.

    No line says when the work began. `earliest` is the earliest possible beginning; `start` is the
    first line's time, or `earliest` if the only line is an error. `duration` is the longest that a
    line states, or the time from the first line to the last.
    """

    id: str
    parent_id: str
    service: str
    endpoint: str
    start: float
    end: float
    earliest: float = 0.0
    duration: float = 0.0
    lines: int = 0
    failed: bool = False
    score: float = 0.0
    host: str = ""
    errors: list[str] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    """The times of its lines, the first LINE_TIMES_KEPT by order of arrival."""

    @property
    def operation(self) -> tuple[str, str]:
        """The service and endpoint of the work."""
        return self.service, self.endpoint


ERRORS_KEPT = 4
"""Errors of one span: the first ones name the fault, and services that they mention are blamed."""


LINE_TIMES_KEPT = 40
"""Lines of one span that tell when its service was at work: as many as calls of it are told apart."""


def traceable(trace_id: str) -> bool:
    """True if an id can name one request: placeholders and zeros stand for an unknown id."""
    text = trace_id.strip(" \t\r\n\"'").lower()
    return bool(text.removeprefix("0x").strip("0-")) and text not in _NOTHING


def gathered(lines: list[Line]) -> list[Span]:
    """The spans of one trace by start; lines without a span id make one span per operation."""
    spans: dict[str, Span] = {}
    for line in lines:
        id = line.span_id or f"{line.service} {line.endpoint}"
        span = spans.get(id)
        if span is None:
            span = spans[id] = Span(
                id=id,
                parent_id=line.parent_id,
                service=line.service,
                endpoint=line.endpoint,
                start=line.at,
                end=line.at,
                host=line.host,
            )
        span.start = min(span.start, line.at)
        span.end = max(span.end, line.at)
        span.duration = max(span.duration, line.duration)
        span.parent_id = span.parent_id or line.parent_id
        span.lines += 1
        if len(span.written) < LINE_TIMES_KEPT:
            span.written.append(line.at)
        span.score = max(span.score, line.score)
        if line.failed:
            span.failed = True
            if len(span.errors) < ERRORS_KEPT:
                span.errors.append(line.message)
    for span in spans.values():
        span.duration = span.duration or span.end - span.start
        span.earliest = min(span.start, span.end - span.duration)
        if span.failed and span.lines == 1:
            span.start = span.earliest
        span.end = max(span.end, span.start + span.duration)
    return sorted(spans.values(), key=lambda span: (span.start, -span.duration, span.id))
