"""The facts of one request: each operation's own time, the first failures, the services blamed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ticketing.domain.traces.calltree import Call, CallTree, Method

Operation = tuple[str, str]
"""Service and endpoint."""


def in_words(operation: Operation) -> str:
    """An operation as people read it."""
    service, endpoint = operation
    return f"{service} {endpoint}" if endpoint else service


ITSELF: Operation = ("", "")
"""Stands for the caller at work: its beginning, its end, or a line of its own."""
Wait = tuple[Operation, Operation, float]
"""The operations called before and after (or ITSELF), and the seconds between."""

OBSERVED_MAX = 400
"""Calls compared of one request, the first in order: a huge request must not fill the memory."""
_MENTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]")
_PLAIN_WORD = re.compile(r"[A-Za-z]+")
# Shorter names (`db`, `api`) stand in errors about anything. A service is named early in an error,
# and reading further costs time in every failing request.
MENTION_CHARS_MIN = 4
MENTIONS_MAX = 40
HANDLED_WEIGHT = 0.5
"""Weight of an error that did not make its caller fail, beside one that did."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One call, as it is compared with others of its operation. Times in seconds."""

    trace_id: str
    operation: Operation
    own: float
    duration: float
    lines: int
    failed: bool
    origin: bool
    """True if the call fails, none of its callees does, and its errors name no other service."""
    spoiled: bool
    """True if any call below it fails."""
    excused: bool
    """True if the last callee fails: calls that are missing after that one say nothing."""
    children: tuple[Operation, ...]
    gaps: tuple[float, ...]
    """The caller's own time before each child, and after the last."""
    waits: tuple[Wait, ...] = ()
    """The caller's own time, by what lies on both sides of it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A service that an error names, the operation that says so, and its share of the blame."""

    service: str
    by: Operation
    share: float


@dataclass(frozen=True, slots=True)
class Facts:
    """One request, as it is compared with others."""

    trace_id: str
    at: float
    seconds: float
    entry: Operation
    observed: tuple[Observed, ...]
    failed: bool
    blamed: dict[str, float] = field(default_factory=dict)
    """Services that errors lead to, with shares that add up to one; empty without errors."""
    reasons: dict[str, str] = field(default_factory=dict)
    """The reason, in words, per blamed service."""
    method: Method = Method.TIME
    named: tuple[Named, ...] = ()
    """The part of `blamed` that rests on names in errors."""


def facts_of(trace_id: str, tree: CallTree, known: Iterable[str] = ()) -> Facts:
    """The facts of a request; `known` are the names of services that errors may mention."""
    calls = tree.calls
    below = _failing_below(calls)
    excused = [
        bool(call.children) and (calls[call.children[-1]].span.failed or below[call.children[-1]])
        for call in calls
    ]
    blame = _blamed(calls, below, known)
    first, last = calls[0].span.start, max(call.span.end for call in calls)
    entry = min(calls, key=lambda call: (call.depth, call.span.start))
    return Facts(
        trace_id=trace_id,
        at=last,
        seconds=last - first,
        entry=entry.span.operation,
        observed=tuple(
            _observed(
                trace_id,
                calls,
                call,
                origin=call.index in blame.origins,
                spoiled=below[call.index],
                excused=excused[call.index],
            )
            for call in calls[:OBSERVED_MAX]
        ),
        failed=any(call.span.failed for call in calls),
        blamed=blame.shares,
        reasons=blame.reasons,
        method=tree.method,
        named=blame.named,
    )


def _observed(
    trace_id: str,
    calls: list[Call],
    call: Call,
    *,
    origin: bool,
    spoiled: bool,
    excused: bool,
) -> Observed:
    span = call.span
    return Observed(
        trace_id=trace_id,
        operation=span.operation,
        own=call.own,
        duration=span.duration,
        lines=span.lines,
        failed=span.failed,
        origin=origin,
        spoiled=spoiled,
        excused=excused,
        children=tuple(calls[child].span.operation for child in call.children),
        gaps=_gaps(calls, call),
        waits=_waits(calls, call),
    )


def _gaps(calls: list[Call], call: Call) -> tuple[float, ...]:
    """The caller's idle times before each child and after the last."""
    gaps = []
    until = call.span.start
    for child in call.children:
        span = calls[child].span
        gaps.append(max(0.0, span.start - until))
        until = max(until, span.end)
    gaps.append(max(0.0, call.span.end - until))
    return tuple(gaps)


def _waits(calls: list[Call], call: Call) -> tuple[Wait, ...]:
    """The caller's idle times, cut at its own lines; times between the same two are summed."""
    span = call.span
    events = [(at, at, ITSELF) for at in span.written if span.start < at < span.end]
    for child in call.children:
        callee = calls[child].span
        events.append((callee.start, callee.end, callee.operation))
    events.sort()
    events.append((span.end, span.end, ITSELF))
    found: dict[tuple[Operation, Operation], float] = {}
    until, before = span.start, ITSELF
    for start, end, operation in events:
        key = before, operation
        found[key] = found.get(key, 0.0) + max(0.0, start - until)
        if end >= until:
            until, before = end, operation
    return tuple((before, after, seconds) for (before, after), seconds in found.items())


def _failing_below(calls: list[Call]) -> list[bool]:
    """Per call, True if any call below it fails."""
    below = [False] * len(calls)
    for call in sorted(calls, key=lambda call: -call.depth):
        if call.parent >= 0 and (call.span.failed or below[call.index]):
            below[call.parent] = True
    return below


@dataclass(frozen=True, slots=True)
class _Blame:
    """The services that a request's errors lead to, and the calls in which the errors began."""

    shares: dict[str, float]
    reasons: dict[str, str]
    origins: set[int]
    named: tuple[Named, ...]


def _blamed(calls: list[Call], failing_below: list[bool], known: Iterable[str]) -> _Blame:
    """The blame of the deepest failures: their own services, or those that their errors name."""
    names = frozenset(known)
    votes: dict[str, float] = {}
    reasons: dict[str, str] = {}
    origins: set[int] = set()
    named: dict[tuple[str, Operation], float] = {}
    for call in calls:
        span = call.span
        if not span.failed or failing_below[call.index]:
            continue
        weight = 1.0 if call.parent < 0 or calls[call.parent].span.failed else HANDLED_WEIGHT
        others = {n: text for text in span.errors for n in mentioned(text, names, span.service)}
        for name, text in others.items():
            share = weight / len(others)
            votes[name] = votes.get(name, 0.0) + share
            key = name, span.operation
            named[key] = named.get(key, 0.0) + share
            reasons.setdefault(name, f"{span.service} says: {text}")
        if not others:
            origins.add(call.index)
            votes[span.service] = votes.get(span.service, 0.0) + weight
            reasons.setdefault(span.service, "the deepest service that fails")
    total = sum(votes.values())
    return _Blame(
        {name: vote / total for name, vote in votes.items()},
        reasons,
        origins,
        tuple(Named(name, by, vote / total) for (name, by), vote in named.items()),
    )


def mentioned(text: str, names: frozenset[str], own: str) -> list[str]:
    """The other services that an error names, each once.

    A name that is a plain word counts only where it stands as an address or is called a service:
    "order" is in many a message that is not about the service of that name.
    """
    found: dict[str, None] = {}
    for match in list(_MENTION.finditer(text))[:MENTIONS_MAX]:
        for name in {match.group(), match.group().split(".", 1)[0]}:
            if name not in names or name == own or len(name) < MENTION_CHARS_MIN:
                continue
            if _PLAIN_WORD.fullmatch(name) and not _addressed(
                text, match.start(), match.start() + len(name)
            ):
                continue
            found[name] = None
    return list(found)


def _addressed(text: str, start: int, end: int) -> bool:
    word = text[start:end].lower()
    if word.endswith(("service", "svc", "server", "api", "db")):
        return True
    after = text[end : end + 9].lower()
    return (
        text[:start].endswith(("//", "@"))
        or bool(re.match(r":\d", after))
        or after.startswith((" service", " svc", " server"))
        or text[:start].lower().endswith(("service ", "upstream ", "host ", "instance of "))
    )
