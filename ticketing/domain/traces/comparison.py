"""Compares recent requests with those before: the evidence of where a fault began.

Each kind of evidence counts an event per request or per call, recently and before, and weighs the
distance of the two rates by the log-likelihood ratio (https://aclanthology.org/J93-1003/): a lasting
failure is no news, and few requests can't say much.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median

from ticketing.domain.traces.facts import Facts, Observed, Operation, in_words
from ticketing.domain.traces.likelihood import strength

WINDOWS_SECONDS = (60.0, 90.0, 120.0)
"""Ages of the fault that are tried; docs/correlation.md says what they were chosen from."""
USUAL_SHARE = 0.6
"""Share of an operation's calls that must have a child for others to lack it: a clear majority, as
some calls may have failed already."""
SEEN_MIN = 5
"""Calls of an operation from which on something about it is usual: fewer may agree by chance."""
# A slow call takes several times the usual, and at least 10 ms more: less is jitter of short calls.
SLOWER_FACTOR = 3.0
SLOWER_SECONDS_MIN = 0.01
STRENGTH_MIN = 1.0
"""Nats below which two rates may well differ by chance."""
TO_MISSING, TO_CALLER, TO_PREVIOUS = 0.6, 0.25, 0.15
"""Shares of a missing call's evidence against the callee, its caller, and the callee before it. The
first may have failed without a line, and so is the likeliest."""
SHORTER_WEIGHT = 0.6
"""Fewer lines are a weaker sign than an error: a call may have had less to do."""
TO_SILENT = 0.65
"""Share of the blame that goes on from a failing call to the call it lacks: most of it, as that one
may have failed without a line."""


class Sign(str, Enum):
    """The kinds of evidence."""

    ERRORS = "errors"
    MISSING = "missing_calls"
    LATENCY = "latency"
    SHORTER = "fewer_lines"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence against a service: its strength (nats), words for it, and the requests that show it.

    `about` distinguishes evidence of the same kind against the same service.
    """

    service: str
    sign: Sign
    strength: float
    text: str
    about: tuple[Operation, ...] = ()
    traces: frozenset[str] = frozenset()


Usual = dict[Operation, list[Operation]]
"""Per operation, the operations that most of its calls call, in their usual order."""


def usual_children(facts: Sequence[Facts]) -> Usual:
    """The operations that each operation's calls usually call, in their usual order."""
    return {operation: _usual(calls) for operation, calls in _by_operation(facts).items()}


def over_windows(
    facts: Sequence[Facts],
    until: float,
    usual: Usual,
    windows: Sequence[float] = WINDOWS_SECONDS,
) -> list[Evidence]:
    """The evidence in the requests up to `until`, for a fault of unknown age.

    Each window (seconds) is compared with all requests before it; evidence in several counts more.
    """
    together: dict[tuple[str, Sign, tuple[Operation, ...]], list[Evidence]] = defaultdict(list)
    known = [one for one in facts if one.at <= until]
    for window in windows:
        recent = [one for one in known if one.at > until - window]
        before = [one for one in known if one.at <= until - window]
        for one in compared(recent, before, usual):
            together[one.service, one.sign, one.about].append(one)
    found = []
    for same in together.values():
        strongest = max(same, key=lambda one: one.strength)
        total = sum(one.strength for one in same) / len(windows)
        found.append(replace(strongest, strength=total))
    return sorted(found, key=lambda one: (-one.strength, one.service, one.sign.value, one.about))


def compared(recent: Sequence[Facts], before: Sequence[Facts], usual: Usual) -> list[Evidence]:
    """All evidence that recent requests give, strongest first."""
    now, was = _by_operation(recent), _by_operation(before)
    found = [
        *_errors(recent, before, usual),
        *_missing(now, was, usual),
        *_latency(now, was),
        *_shorter(now, was),
    ]
    kept = [one for one in found if one.strength >= STRENGTH_MIN]
    return sorted(kept, key=lambda one: (-one.strength, one.service, one.sign.value))


def blamed(facts: Facts, usual: Usual) -> tuple[dict[str, float], dict[str, str]]:
    """The services that a request's errors lead to, with their shares and the reasons.

    If the deepest failing call lacks a call that it usually makes, most of the blame goes on to the
    callee, which may have failed without a line.
    """
    shares, reasons = dict(facts.blamed), facts.reasons
    for call in facts.observed:
        if not call.origin:
            continue
        missing = _first_missing(call, usual.get(call.operation, []))
        if missing is None or missing[0][0] == call.operation[0]:
            continue
        service, callee = call.operation[0], missing[0]
        moved = shares.get(service, 0.0) * TO_SILENT
        shares[service] = shares.get(service, 0.0) - moved
        shares[callee[0]] = shares.get(callee[0], 0.0) + moved
        text = f"{in_words(call.operation)} fails where it usually calls {in_words(callee)}"
        reasons = {callee[0]: text, **reasons}
    return shares, reasons


ByOperation = dict[Operation, list[Observed]]


def _by_operation(facts: Iterable[Facts]) -> ByOperation:
    found: ByOperation = defaultdict(list)
    for one in facts:
        for seen in one.observed:
            found[seen.operation].append(seen)
    return found


def _errors(recent: Sequence[Facts], before: Sequence[Facts], usual: Usual) -> list[Evidence]:
    reasons: dict[str, str] = {}
    traces: dict[str, set[str]] = defaultdict(set)
    now, trials = _blames(recent, usual, reasons, traces)
    was, trials_before = _blames(before, usual, {}, defaultdict(set))
    return [
        Evidence(
            service,
            Sign.ERRORS,
            strength(hits, trials[service], was[service], trials_before[service]),
            f"errors in {hits:.0f} of {trials[service]} requests lead to it,"
            f" before in {was[service]:.0f} of {trials_before[service]} ({reasons[service]})",
            traces=frozenset(traces[service]),
        )
        for service, hits in now.items()
    ]


def _blames(
    facts: Sequence[Facts],
    usual: Usual,
    reasons: dict[str, str],
    traces: dict[str, set[str]],
) -> tuple[Counter[str], Counter[str]]:
    hits: Counter[str] = Counter()
    trials: Counter[str] = Counter()
    for one in facts:
        shares, said = blamed(one, usual) if one.blamed else ({}, {})
        for service, share in shares.items():
            hits[service] += share  # type: ignore[assignment]
            traces[service].add(one.trace_id)
            reasons.setdefault(service, said.get(service, ""))
        trials.update({seen.operation[0] for seen in one.observed} | shares.keys())
    return hits, trials


def _missing(now: ByOperation, was: ByOperation, all_usual: Usual) -> list[Evidence]:
    found = []
    for operation, calls in now.items():
        earlier = was.get(operation, [])
        usual = all_usual.get(operation, [])
        if not usual or len(earlier) < SEEN_MIN:
            continue
        lacking = [(call.trace_id, _first_missing(call, usual)) for call in calls]
        hits = Counter(missing for _, missing in lacking if missing is not None)
        if not hits:
            continue
        hits_before = Counter(filter(None, (_first_missing(call, usual) for call in earlier)))
        for (child, previous), count in hits.items():
            key = (child, previous)
            weight = strength(count, len(calls), hits_before[key], len(earlier))
            text = (
                f"{in_words(operation)} did not get to {in_words(child)} in {count} of {len(calls)}"
                f" calls, before in {hits_before[key]} of {len(earlier)}"
            )
            shares = [(child[0], TO_MISSING), (operation[0], TO_CALLER)]
            shares.append((previous[0] if previous else operation[0], TO_PREVIOUS))
            traces = frozenset(id for id, missing in lacking if missing == key)
            about = (operation, child)
            found += [
                Evidence(who, Sign.MISSING, weight * share, text, about, traces)
                for who, share in shares
            ]
    return found


def _usual(calls: list[Observed]) -> list[Operation]:
    """The children that most calls of an operation have, in their usual order."""
    if len(calls) < SEEN_MIN:
        return []
    seen: Counter[Operation] = Counter()
    places: Counter[Operation] = Counter()
    for call in calls:
        for place, child in enumerate(dict.fromkeys(call.children)):
            seen[child] += 1
            places[child] += place
    usual = [child for child, count in seen.items() if count >= USUAL_SHARE * len(calls)]
    return sorted(usual, key=lambda child: (places[child] / seen[child], child))


def _first_missing(
    call: Observed, usual: list[Operation]
) -> tuple[Operation, Operation | None] | None:
    """The first usual child that a call lacks, and the child before it.

    A call with an unusual child took another way and lacks nothing; nor does a call that was broken
    off by the failure of a child.
    """
    if call.excused:
        return None
    had = frozenset(call.children)
    if not had <= frozenset(usual):
        return None
    previous: Operation | None = None
    for child in usual:
        if child not in had:
            return child, previous
        previous = child
    return None


def _latency(now: ByOperation, was: ByOperation) -> list[Evidence]:
    found = []
    for operation, calls in now.items():
        earlier = was.get(operation, [])
        if len(earlier) < SEEN_MIN:
            continue
        limit = _limit([call.own for call in earlier])
        slow = [call for call in calls if call.own > limit]
        hits_before = sum(call.own > limit for call in earlier)
        weight = strength(len(slow), len(calls), hits_before, len(earlier))
        if not weight:
            continue
        usual, is_ = median(call.own for call in earlier), median(call.own for call in slow)
        text = (
            f"{in_words(operation)} itself took {is_ * 1000:.0f} ms in {len(slow)} of"
            f" {len(calls)} calls, usually {usual * 1000:.0f} ms"
        )
        own, waiting = _shares(slow, earlier)
        traces = frozenset(call.trace_id for call in slow)
        found.append(Evidence(operation[0], Sign.LATENCY, weight * own, text, (operation,), traces))
        found += [
            Evidence(
                child[0],
                Sign.LATENCY,
                weight * share,
                f"{text}, around its call of {child[0]}",
                (operation, child),
                traces,
            )
            for child, share in waiting.items()
            if child[0] != operation[0]
        ]
    return found


def _limit(values: list[float]) -> float:
    ordered = sorted(values)
    usual = ordered[len(ordered) // 2]
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return max(usual * SLOWER_FACTOR, min(high * 1.5, usual * 10), usual + SLOWER_SECONDS_MIN)


def _shares(slow: list[Observed], earlier: list[Observed]) -> tuple[float, dict[Operation, float]]:
    """The share of slow time that is the caller's own, and the shares around each child's call.

    Time before a call may be the caller's own, or the way to the callee: each gets half.
    """
    usual: dict[tuple[Operation, bool], list[float]] = defaultdict(list)
    for call in earlier:
        for key, gap in _around(call):
            usual[key].append(gap)
    limits = {key: median(gaps) for key, gaps in usual.items()}
    excess: Counter[Operation] = Counter()
    total = 0.0
    for call in slow:
        total += call.own
        for key, gap in _around(call):
            excess[key[0]] += max(0.0, gap - limits.get(key, 0.0)) / 2  # type: ignore[assignment]
    waiting = {
        child: over / (2 * total) for child, over in excess.items() if over > 0 and total > 0
    }
    return max(0.0, 1.0 - sum(waiting.values())), waiting


def _around(call: Observed) -> list[tuple[tuple[Operation, bool], float]]:
    found = []
    for place, child in enumerate(call.children):
        found.append(((child, False), call.gaps[place]))
        found.append(((child, True), call.gaps[place + 1]))
    return found


def _shorter(now: ByOperation, was: ByOperation) -> list[Evidence]:
    found = []
    for operation, calls in now.items():
        earlier = was.get(operation, [])
        if len(earlier) < SEEN_MIN:
            continue
        counts = Counter(call.lines for call in earlier)
        least = min(n for n, count in counts.items() if count >= len(earlier) / 20)
        short = [call for call in calls if call.lines < least and not call.excused]
        hits_before = sum(call.lines < least and not call.excused for call in earlier)
        hits, traces = len(short), frozenset(call.trace_id for call in short)
        weight = strength(hits, len(calls), hits_before, len(earlier)) * SHORTER_WEIGHT
        text = (
            f"{in_words(operation)} broke off early in {hits} of {len(calls)} calls,"
            f" before in {hits_before} of {len(earlier)}"
        )
        found.append(Evidence(operation[0], Sign.SHORTER, weight, text, (operation,), traces))
    return found
