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
"""Incidents remembered of one trace: ten times as many as may share a trace by default."""


@dataclass(slots=True)
class Part:
    """Lines of one trace from one message: still encoded, since few are ever read."""

    count: int
    lines: bytes


@dataclass(slots=True)
class Trace:
    """One request. `at` is its latest line's event time, `arrived_at` its first part's arrival."""

    key: Key
    at: float
    arrived_at: float
    scope: str = ""
    """The scope of its first line; empty where no message has named one."""
    parts: list[Part] = field(default_factory=list)
    lines: int = 0
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the trace's anomalies, each with its service."""
    cut: bool = False
    """True once lines were let go: the trace is known in part only."""
    done: bool = False
    facts_at: float | None = None
    """The end of the request in the facts that were taken of it: lines that come later replace
    these."""
    _tree: CallTree | None = None


class TraceBuffer:
    """The lines by trace. `held` counts those kept, `take_dropped` those let go too early."""

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
        """The trace, or None if it was let go."""
        return self._traces.get(key)

    def add(
        self,
        key: Key,
        part: Part,
        at: float,
        fingerprints: dict[str, str],
        now: float,
        scope: str = "",
    ) -> Trace | None:
        """Take in lines of a trace; `at` is event time, `now` arrival. None if they are let go.

        Parts with anomalies may fill a trace to twice its bound.
        """
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = Trace(key, at, now)
        trace.scope = trace.scope or scope
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
        """Let go of traces older than `keep_seconds`: that is no loss, and not counted."""
        while self._traces:
            first = next(iter(self._traces.values()))
            if first.arrived_at > now - self._keep:
                return
            self._let_go("")

    def forget(self, unwanted: Callable[[Key], bool]) -> None:
        """Let go of the traces whose lines go to another worker from now on."""
        for key in [key for key in self._traces if unwanted(key)]:
            self.held -= self._traces.pop(key).lines

    def take_dropped(self) -> dict[str, int]:
        """The numbers of lines let go since the last call, by reason."""
        dropped, self._dropped = self._dropped, Counter()
        return dict(dropped)

    def lines(self, trace: Trace) -> list[Line]:
        """The lines of a trace by time; at most twice the bound of a trace."""
        found = [line for part in trace.parts for line in self._decode(part.lines)]
        found.sort(key=lambda line: line.at)
        return found[: 2 * self._per_trace_max]

    def tree(self, trace: Trace) -> CallTree:
        """The calls of a trace."""
        if trace._tree is None:
            trace._tree = call_tree(gathered(self.lines(trace)))
        return trace._tree

    def forget_tree(self, trace: Trace) -> None:
        """Free the memory of a tree, which can be built again."""
        trace._tree = None

    def _let_go(self, reason: str, spare: Key | None = None) -> None:
        key = next(key for key in self._traces if key != spare)
        trace = self._traces.pop(key)
        self.held -= trace.lines
        if reason and not trace.done:
            self._dropped[reason] += trace.lines
