"""The log lines of requests under way and of the recent past: bounded, oldest let go first."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ticketing.domain.traces.calltree import CallTree, call_tree
from ticketing.domain.traces.spans import Line, gathered

Key = tuple[str, str]
"""Tenant and trace id."""
FINGERPRINTS_MAX = 200
"""Incidents that are remembered of one trace; more than this share it, whatever the bound is."""


@dataclass(slots=True)
class Part:
    """Lines of one trace as they came in one message: still encoded, since few are ever read."""

    count: int
    lines: bytes


@dataclass(slots=True)
class Trace:
    """One request. `at` is its latest line's event time, `arrived_at` its first part's arrival."""

    key: Key
    at: float
    arrived_at: float
    parts: list[Part] = field(default_factory=list)
    lines: int = 0
    fingerprints: dict[str, str] = field(default_factory=dict)
    """The incidents that it has anomalies of, each with its service."""
    cut: bool = False
    """Whether lines were let go: it is known in part only."""
    done: bool = False
    _tree: CallTree | None = None


class TraceBuffer:
    """Every line counts in `held` or was let go for a reason, which `take_dropped` tells."""

    def __init__(
        self,
        decode: Callable[[bytes], list[Line]],
        *,
        lines_max: int,
        per_trace_max: int,
        keep_seconds: float,
    ) -> None:
        self._decode = decode
        self._lines_max = lines_max
        self._per_trace_max = per_trace_max
        self._keep = keep_seconds
        self._traces: OrderedDict[Key, Trace] = OrderedDict()
        self._dropped: Counter[str] = Counter()
        self.held = 0
        """Lines kept."""

    def __len__(self) -> int:
        return len(self._traces)

    def get(self, key: Key) -> Trace | None:
        """A trace, if it is still there."""
        return self._traces.get(key)

    def add(
        self, key: Key, part: Part, at: float, fingerprints: dict[str, str], now: float
    ) -> Trace | None:
        """Take in lines of a trace; `at` is event time, `now` arrival. None when they are let go.

        What tells of anomalies may go over the bound of a trace by as much again.
        """
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = Trace(key, at, now)
        for fingerprint, service in fingerprints.items():
            if len(trace.fingerprints) < FINGERPRINTS_MAX:
                trace.fingerprints[fingerprint] = service
        trace.at = max(trace.at, at)
        room = self._per_trace_max * (2 if fingerprints else 1)
        if trace.lines and trace.lines + part.count > room:
            trace.cut = True
            self._dropped["trace_full"] += part.count
            return None
        trace.parts.append(part)
        trace.lines += part.count
        trace.done = False
        trace._tree = None
        self.held += part.count
        while self.held > self._lines_max and len(self._traces) > 1:
            self._let_go("buffer_full", spare=key)
        return trace

    def expire(self, now: float) -> None:
        """Let go of what came longer ago than it is to be kept; that is no loss, and not counted."""
        while self._traces:
            first = next(iter(self._traces.values()))
            if first.arrived_at > now - self._keep:
                return
            self._let_go("")

    def take_dropped(self) -> dict[str, int]:
        """How many lines were let go since the last call, by reason."""
        dropped, self._dropped = self._dropped, Counter()
        return dict(dropped)

    def lines(self, trace: Trace) -> list[Line]:
        """The lines of a trace by time; at most twice what is kept of one."""
        found = [line for part in trace.parts for line in self._decode(part.lines)]
        found.sort(key=lambda line: line.at)
        return found[: 2 * self._per_trace_max]

    def tree(self, trace: Trace) -> CallTree:
        """The calls of a trace."""
        if trace._tree is None:
            trace._tree = call_tree(gathered(self.lines(trace)))
        return trace._tree

    def forget_tree(self, trace: Trace) -> None:
        """Free what can be worked out again."""
        trace._tree = None

    def _let_go(self, reason: str, spare: Key | None = None) -> None:
        key = next(key for key in self._traces if key != spare)
        trace = self._traces.pop(key)
        self.held -= trace.lines
        if reason and not trace.done:
            self._dropped[reason] += trace.lines
