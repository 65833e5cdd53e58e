"""The report of an outbreak's traces: samples, path, blast radius, causal chain and candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ticketing.domain.traces.calltree import Call, CallTree
from ticketing.domain.traces.facts import Facts
from ticketing.domain.traces.findings import (
    BlastRadius,
    Candidate,
    Edge,
    Findings,
    Hop,
    Moment,
    SampleTrace,
)
from ticketing.domain.traces.history import Passed
from ticketing.domain.traces.spans import Line

# Bounds of the findings, which are sent in one signal and kept in the incident: as much as people
# look through. Of the samples the first is read line by line, further ones are compared with it.
TIMELINE_LINES_MAX = 40
FURTHER_LINES_MAX = 10
MESSAGE_CHARS_MAX = 160
PATH_MAX = 16
NAMES_MAX = 50
CANDIDATES_MAX = 8
REASONS_MAX = 3
REASON_CHARS_MAX = 300
CHAIN_MAX = 10
CALLS_MAX = 24
FURTHER_CALLS_MAX = 8
EDGES_MAX = 40


@dataclass(frozen=True, slots=True)
class MarkedRequest:
    """One request of the incident; `marked` are the calls with the incident's anomalies."""

    tree: CallTree
    facts: Facts
    lines: list[Line]
    marked: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Room:
    """The room of a sample: so many lines, and so many calls."""

    lines: int
    calls: int


FIRST = _Room(TIMELINE_LINES_MAX, CALLS_MAX)
FURTHER = _Room(FURTHER_LINES_MAX, FURTHER_CALLS_MAX)


@dataclass(frozen=True, slots=True)
class Outbreak:
    """The outbreak to explain: an alert's fingerprint between two event times."""

    tenant: str
    scope: str
    service: str
    fingerprint: str
    since: float
    until: float


def findings(
    outbreak: Outbreak,
    requests: Sequence[MarkedRequest],
    recent: Sequence[Passed],
    before: Sequence[Passed],
    *,
    traces: int,
    tenants: int,
    samples_max: int,
) -> Findings:
    """Everything about one outbreak; `recent` and `before` are the tenant's requests."""
    candidates = _candidates(outbreak, requests)
    ordered = _most_telling(requests)
    samples = [
        _sample(one, FIRST if place == 0 else FURTHER, why)
        for place, (one, why) in enumerate(ordered[:samples_max])
    ]
    services, endpoints = _affected(outbreak, requests)
    entries = {one.facts.entry for one in requests}
    share, total = _failing(recent, entries)
    return Findings(
        since=outbreak.since,
        until=outbreak.until,
        traces=traces,
        method=samples[0].method if samples else "",
        samples=samples,
        path=samples[0].path if samples else [],
        affected_services=services[:NAMES_MAX],
        affected_endpoints=endpoints[:NAMES_MAX],
        blast_radius=BlastRadius(
            services=len(services),
            endpoints=len(endpoints),
            tenants=tenants,
            failing_share=share,
            failing_share_before=_failing(before, entries)[0],
            requests=total,
        ),
        causal_chain=_chain(candidates, samples),
        edges=_edges(requests),
        candidates=candidates,
    )


def _candidates(outbreak: Outbreak, requests: Sequence[MarkedRequest]) -> list[Candidate]:
    """Services by the number of the incident's requests whose failures or time lead to them.

    Nothing is compared with what is usual: that is for a verdict about the whole scope.
    """
    blames: Counter[str] = Counter()
    reasons: dict[str, dict[str, None]] = {}
    for request in requests:
        for service, (share, why) in _blame(request).items():
            blames[service] += share  # type: ignore[assignment]
            reasons.setdefault(service, {})[why[:REASON_CHARS_MAX]] = None
    if not blames:
        blames[outbreak.service] = 1
        reasons[outbreak.service] = {"the service of its anomalies; no trace says more": None}
    whole = sum(blames.values())
    order = sorted(blames.items(), key=lambda item: (-item[1], item[0]))[:CANDIDATES_MAX]
    return [
        Candidate(
            service=service,
            score=round(count, 3),
            share=round(count / whole, 3),
            reasons=[text for text in reasons[service] if text][:REASONS_MAX],
        )
        for service, count in order
    ]


def _blame(request: MarkedRequest) -> dict[str, tuple[float, str]]:
    """The services that one request leads to, by its errors, else by its slowness: share and why."""
    facts = request.facts
    if facts.blamed:
        return {
            service: (share, facts.reasons.get(service, ""))
            for service, share in facts.blamed.items()
        }
    calls = request.tree.calls
    below = {index for mark in request.marked for index in _under(calls, mark)}
    if not below:
        return {}
    slowest = calls[max(below, key=lambda index: calls[index].own)]
    text = f"{slowest.own * 1000:.0f} ms of a slow request are its own"
    return {slowest.span.service: (1.0, text)}


def _under(calls: Sequence[Call], index: int) -> list[int]:
    found = [index]
    for one in found:
        found.extend(calls[one].children)
    return found


def _most_telling(requests: Sequence[MarkedRequest]) -> list[tuple[MarkedRequest, str]]:
    """The most telling requests first, each kind once before any twice; each with the reason."""
    if not requests:
        return []
    longest = max(one.facts.seconds for one in requests) or 1.0
    scored = sorted(requests, key=lambda one: (-_weight(one, longest), one.facts.trace_id))
    first: list[MarkedRequest] = []
    again: list[MarkedRequest] = []
    kinds: set[object] = set()
    for one in scored:
        kind = one.facts.entry, tuple(sorted(one.facts.blamed))
        (again if kind in kinds else first).append(one)
        kinds.add(kind)
    return [(one, _why(one, longest)) for one in [*first, *again]]


def _weight(request: MarkedRequest, longest: float) -> float:
    calls = request.tree.calls
    entry_failed = any(call.span.failed for call in calls if call.parent < 0)
    services = len({call.span.service for call in calls})
    depth = max(call.depth for call in calls)
    return (
        2.0 * request.facts.failed
        + 1.0 * entry_failed
        + 1.0 * request.facts.seconds / longest
        + 0.5 * min(1.0, services / 10)
        + 0.5 * min(1.0, depth / 6)
    )


def _why(request: MarkedRequest, longest: float) -> str:
    words = []
    if request.facts.failed:
        words.append("it fails")
    if request.facts.seconds >= longest:
        words.append("the slowest")
    depth = max(call.depth for call in request.tree.calls)
    words.append(f"{depth + 1} calls deep" if depth else "a single call")
    return ", ".join(words)


def _sample(request: MarkedRequest, room: _Room, why: str) -> SampleTrace:
    calls = request.tree.calls
    depth_of = {call.span.id: call.depth for call in calls}
    kept = _kept(request.lines, room.lines)
    path = request.tree.path(_target(request))
    return SampleTrace(
        trace_id=request.facts.trace_id,
        at=calls[0].span.start,
        seconds=request.facts.seconds,
        spans=len(calls),
        services=len({call.span.service for call in calls}),
        depth=max(call.depth for call in calls) + 1,
        failed=request.facts.failed,
        why=why,
        method=request.tree.method.value,
        path=[_hop(calls[index]) for index in path[:PATH_MAX]],
        calls=[_hop(call) for call in _telling_calls(calls, path, room.calls)],
        timeline=[
            Moment(
                at=line.at,
                service=line.service,
                endpoint=line.endpoint,
                level=line.level,
                message=line.message[:MESSAGE_CHARS_MAX],
                depth=depth_of.get(line.span_id or f"{line.service} {line.endpoint}", 0),
                score=line.score,
            )
            for line in kept
        ],
        omitted=len(request.lines) - len(kept),
        skewed=request.tree.skewed,
    )


def _telling_calls(calls: Sequence[Call], path: Sequence[int], most: int) -> list[Call]:
    """So many calls as they stand in the tree: those of the path, then failed ones, then the outer."""
    order: list[Call] = []
    waiting = [call for call in reversed(calls) if call.parent < 0]
    while waiting:
        call = waiting.pop()
        order.append(call)
        below = sorted((calls[index] for index in call.children), key=lambda one: one.span.start)
        waiting.extend(reversed(below))
    on_path = set(path)

    def rank(call: Call) -> tuple[bool, bool, int]:
        return call.index not in on_path, not call.span.failed, call.depth

    chosen = {call.index for call in sorted(order, key=rank)[:most]}
    return [call for call in order if call.index in chosen]


def _edges(requests: Sequence[MarkedRequest]) -> list[Edge]:
    """The calls from one service to another, each counted once a request."""
    counted: Counter[tuple[str, str]] = Counter()
    failing: Counter[tuple[str, str]] = Counter()
    for one in requests:
        found: dict[tuple[str, str], bool] = {}
        for call in one.tree.calls:
            if call.parent < 0:
                continue
            pair = one.tree.calls[call.parent].span.service, call.span.service
            if pair[0] != pair[1]:
                found[pair] = found.get(pair, False) or call.span.failed
        counted.update(found.keys())
        failing.update(pair for pair, failed in found.items() if failed)
    order = sorted(counted, key=lambda pair: (-failing[pair], -counted[pair], pair))
    return [
        Edge(caller=pair[0], callee=pair[1], requests=counted[pair], failed=failing[pair])
        for pair in order[:EDGES_MAX]
    ]


def _kept(lines: list[Line], lines_max: int) -> list[Line]:
    """So many lines in the order of time: failures rather than first lines of spans, then others."""
    seen: set[str] = set()
    ranks = []
    for place, line in enumerate(lines):
        fresh = line.span_id not in seen
        seen.add(line.span_id)
        rank = 0 if line.failed or line.fingerprint else 1 if fresh else 2
        ranks.append((rank, place))
    chosen = sorted(place for _, place in sorted(ranks)[:lines_max])
    return [lines[place] for place in chosen]


def _target(request: MarkedRequest) -> int:
    """The call that the path leads to: the deepest failure, else the incident's own slow call."""
    calls = request.tree.calls
    failed = [call.index for call in calls if call.span.failed]
    marked = sorted(request.marked)
    wanted = failed or marked or [max(calls, key=lambda call: call.own).index]
    return max(wanted, key=lambda index: (calls[index].depth, calls[index].own))


def _hop(call: Call) -> Hop:
    span = call.span
    return Hop(
        service=span.service,
        endpoint=span.endpoint,
        at=span.start,
        seconds=span.duration,
        own_seconds=call.own,
        failed=span.failed,
        depth=call.depth,
    )


def _affected(outbreak: Outbreak, requests: Sequence[MarkedRequest]) -> tuple[list[str], list[str]]:
    """Services and endpoints of the failing calls and of all their callers."""
    services: dict[str, None] = {outbreak.service: None}
    endpoints: dict[str, None] = {}
    for one in requests:
        calls = one.tree.calls
        bad = set(one.marked) | {call.index for call in calls if call.span.failed}
        for index in sorted(bad):
            for step in one.tree.path(index):
                span = calls[step].span
                services[span.service] = None
                if span.endpoint:
                    endpoints[f"{span.service} {span.endpoint}"] = None
    return list(services), list(endpoints)


def _failing(known: Sequence[Passed], entries: set[tuple[str, str]]) -> tuple[float, int]:
    same = [one for one in known if one.entry in entries]
    failing = sum(one.failed for one in same)
    return (round(failing / len(same), 3) if same else 0.0), len(same)


def _chain(candidates: list[Candidate], samples: list[SampleTrace]) -> list[str]:
    """The likely cause, then the calls above it up to the one that users see."""
    chain = []
    if candidates:
        reason = candidates[0].reasons[0] if candidates[0].reasons else ""
        chain.append(": ".join(filter(None, [candidates[0].service, reason])))
    if samples:
        for hop in reversed(samples[0].path):
            if candidates and len(chain) == 1 and hop.service == candidates[0].service:
                continue
            said = "fails" if hop.failed else f"takes {hop.seconds * 1000:.0f} ms"
            chain.append(f"{hop.service} {hop.endpoint}".strip() + f" {said}")
    return chain[:CHAIN_MAX]
