"""The tree of calls in a request: by parent ids where these lead somewhere, else by time and order.

A parent id often names a client's span that wrote no log line. Then the caller is taken to be the
span that was under way all the while: of several, the one that began last.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from ticketing.domain.traces.spans import Span

SLACK_SECONDS = 0.002
"""A line is written a moment after its event: so much of a span may stick out of its caller."""
CONCURRENT_MAX = 64
"""Spans under way that are tried as a caller: keeps a huge trace from taking n² steps."""


class Method(str, Enum):
    """The basis of a tree."""

    PARENT_IDS = "parent_span_id"
    TIME = "time"
    BOTH = "parent_span_id and time"


@dataclass(slots=True)
class Call:
    """A span in the tree. `own` is the time (s) that none of its callees explains."""

    span: Span
    index: int
    parent: int = -1
    children: list[int] = field(default_factory=list)
    depth: int = 0
    own: float = 0.0


@dataclass(frozen=True, slots=True)
class CallTree:
    """The calls of one request, callers before callees."""

    calls: list[Call]
    method: Method
    skewed: int = 0
    """Spans moved to fit their caller, as their host's clock differs."""

    def path(self, index: int) -> list[int]:
        """The calls from the entry to a call."""
        steps = []
        while index >= 0:
            steps.append(index)
            index = self.calls[index].parent
        return steps[::-1]


def call_tree(spans: list[Span]) -> CallTree:
    """The tree of a request's spans; each span gets one place, whatever the ids say."""
    if not spans:
        return CallTree([], Method.TIME)
    parents, by_id = _by_ids(spans)
    spans, skewed = _set_right(spans, parents)
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start, -spans[i].duration))
    by_time = _by_time(spans, parents, order)
    calls = [Call(span, index) for index, span in enumerate(spans)]
    for index, parent in enumerate(parents):
        calls[index].parent = parent
        if parent >= 0:
            calls[parent].children.append(index)
    _measure(calls)
    method = Method.PARENT_IDS if not by_time else Method.BOTH if by_id else Method.TIME
    return CallTree(calls, method, skewed)


def _by_ids(spans: list[Span]) -> tuple[list[int], int]:
    index_of = {span.id: index for index, span in enumerate(spans)}
    parents = [index_of.get(span.parent_id, -1) if span.parent_id else -1 for span in spans]
    state = [0] * len(spans)
    for start in range(len(spans)):
        trail = []
        index = start
        while index >= 0 and state[index] == 0:
            state[index] = 1
            trail.append(index)
            index = parents[index]
        if index >= 0 and state[index] == 1:
            # The ids go round in a circle: the span that closes it is taken as an entry.
            parents[trail[-1]] = -1
        for seen in trail:
            state[seen] = 2
    return parents, sum(parent >= 0 for parent in parents)


def _set_right(spans: list[Span], parents: list[int]) -> tuple[list[Span], int]:
    """Move spans that lie outside of their known caller: clocks of hosts differ, causes do not."""
    shifts = [0.0] * len(spans)
    order = _callers_first(parents)
    for index in order:
        parent = parents[index]
        if parent < 0:
            continue
        span, caller = spans[index], spans[parent]
        if span.host and span.host == caller.host:
            shifts[index] = shifts[parent]
            continue
        start, end = caller.earliest + shifts[parent], caller.end + shifts[parent]
        for shift in (0.0, shifts[parent]):
            if start - SLACK_SECONDS <= span.start + shift <= end + SLACK_SECONDS:
                shifts[index] = shift
                break
        else:
            spare = max(0.0, (caller.duration - span.duration) / 2)
            shifts[index] = caller.start + shifts[parent] + spare - span.start
    moved = [
        replace(
            span,
            start=span.start + shift,
            end=span.end + shift,
            earliest=span.earliest + shift,
            written=[at + shift for at in span.written],
        )
        if shift
        else span
        for span, shift in zip(spans, shifts, strict=True)
    ]
    for index in reversed(order):
        # A caller begins before its callee, as far as the caller's own lines allow.
        parent = parents[index]
        if parent >= 0 and moved[index].start < moved[parent].start:
            caller = moved[parent]
            start = max(caller.earliest, moved[index].start)
            moved[parent] = replace(caller, start=start, end=start + caller.duration)
    return moved, sum(1 for shift in shifts if shift)


def _callers_first(parents: list[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        children.setdefault(parent, []).append(index)
    order = list(children.get(-1, []))
    for index in order:
        order.extend(children.get(index, []))
    return order


def _by_time(spans: list[Span], parents: list[int], order: list[int]) -> int:
    """Find a caller by time for each span without one; returns the number found."""
    found = 0
    callers = set(parents)
    open_: list[int] = []
    siblings: dict[str, int] = {}
    for index in order:
        span = spans[index]
        open_ = [i for i in open_ if spans[i].end + SLACK_SECONDS >= span.start][-CONCURRENT_MAX:]
        if parents[index] < 0:
            caller = siblings.get(span.parent_id, -1) if span.parent_id else -1
            if caller < 0:
                caller = _around(spans, open_, span)
            if caller >= 0 and not (index in callers and _descends(parents, caller, index)):
                parents[index] = caller
                found += 1
                if span.parent_id:
                    siblings[span.parent_id] = caller
        open_.append(index)
    return found


def _around(spans: list[Span], open_: list[int], span: Span) -> int:
    overlapping = -1
    for index in reversed(open_):
        caller = spans[index]
        # The last line is certainly within; the rest of the span is, if there is room for it.
        last, room = span.earliest + span.duration, caller.duration + SLACK_SECONDS
        if caller.end + SLACK_SECONDS >= last and room >= span.duration:
            return index
        if overlapping < 0 and spans[index].end - span.start > span.duration / 2:
            overlapping = index
    # No other span lasts as long as this one: its caller did not wait for the end.
    return overlapping


def _descends(parents: list[int], index: int, ancestor: int) -> bool:
    for _ in range(len(parents)):
        if index < 0:
            return False
        if index == ancestor:
            return True
        index = parents[index]
    return True


def _measure(calls: list[Call]) -> None:
    for index in _callers_first([call.parent for call in calls]):
        call = calls[index]
        call.depth = calls[call.parent].depth + 1 if call.parent >= 0 else 0
        if call.parent >= 0:
            call.span = _fitted(call.span, calls[call.parent].span)
    for call in calls:
        call.children.sort(key=lambda child: calls[child].span.start)
        busy, until = 0.0, call.span.start
        for child in call.children:
            span = calls[child].span
            end = min(span.end, call.span.end)
            if end > until:
                busy += end - max(until, min(span.start, end))
                until = end
        call.own = max(0.0, call.span.duration - busy)


def _fitted(span: Span, caller: Span) -> Span:
    """The span moved back, as far as it can be, to end with its caller."""
    over = min(span.end - caller.end, span.start - max(span.earliest, caller.start))
    if over <= 0:
        return span
    return replace(span, start=span.start - over, end=span.end - over)
