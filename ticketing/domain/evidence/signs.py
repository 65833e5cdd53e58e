"""The signs of a fault: errors, missing calls, more time, fewer lines, now against what is usual.

Each sign counts an event per request or per call, now and before, and weighs the distance of the two
rates by the log-likelihood ratio (https://aclanthology.org/J93-1003/): what always fails is no news,
and few requests can't say much.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ticketing.domain.evidence.likelihood import strength
from ticketing.domain.evidence.sample import Sample
from ticketing.domain.evidence.tally import (
    ALL,
    CALLS,
    ERRORS,
    NAMED,
    OWN,
    REQUESTS,
    REST,
    SPOILED,
    UNIT,
)
from ticketing.domain.evidence.usual import (
    SEEN_MIN,
    Key,
    Kinds,
    Profile,
    first_missing,
)
from ticketing.domain.evidence.way import Ways
from ticketing.domain.traces.facts import Operation, in_words

TO_MISSING, TO_CALLER, TO_PREVIOUS = 0.6, 0.25, 0.15
"""Shares of a missing call's evidence against the callee, its caller, and the callee before it. The
first may have failed without a line, and so is the likeliest."""
SHORTER_WEIGHT = 0.6
"""Fewer lines are a weaker sign than an error: a call may have had less to do."""
TO_SILENT = 0.65
"""Share of the blame that goes on from a failing call to the call it lacks: most of it, as that one
may have failed without a line."""
EXCESS_SECONDS_FULL = 0.1
"""Excess of a call from which on a slow call counts in full; below, in proportion: 30 ms more are
not evidence as 2 s more are."""
SPOILED_MORE = 1.0
"""Nats from which on callees fail more often than before."""
SERVES_SHARE = 0.7
"""A named service serves as usual with this share of its usual calls: less is not mere chance."""
SERVES_ERRORS_MAX = 0.1
"""Share of failing calls up to which a service still serves: some fail in any."""
TO_NAMING = 0.8
"""Share of the blame that returns from a named service that serves others to the one that names it."""


class Sign(str, Enum):
    """The kinds of evidence."""

    ERRORS = "errors"
    MISSING = "missing_calls"
    LATENCY = "latency"
    SHORTER = "fewer_lines"


@dataclass(slots=True)
class Evidence:
    """Evidence against a service: its strength (nats), words for it, and the requests that show it.

    `about` distinguishes observations of a kind; services that share the blame for one observation
    have it in common. `keys` are the counts that it rests on.
    """

    service: str
    sign: Sign
    about: tuple[Any, ...]
    strength: float
    text: str
    keys: list[Key]
    requests: Sample = field(default_factory=Sample)


Window = Mapping[Operation, Kinds]
"""Counts of the recent past: by operation and kind, how often each detail was seen."""


def compared(now: Window, usual: Mapping[Operation, Profile]) -> Iterator[Evidence]:
    """All evidence of a window, in no order; `usual` has a profile of each operation ever seen."""
    ways = Ways(now, usual)
    for operation, kinds in now.items():
        profile = usual.get(operation)
        if profile is not None and profile.known and CALLS in kinds:
            yield from _missing(operation, kinds, profile)
            yield from _shorter(operation, kinds, profile)
            yield from _slower(operation, kinds, profile, ways)
            yield from _spoiled(operation, kinds, profile)
    yield from _failing(now, usual)


def _missing(operation: Operation, kinds: Kinds, profile: Profile) -> Iterator[Evidence]:
    if not profile.children:
        return
    calls = kinds[CALLS]
    hits: dict[tuple[Operation, Operation | None], list[Any]] = defaultdict(list)
    for detail in calls:
        lacking = first_missing(detail, profile.children)
        if lacking is not None:
            hits[lacking].append(detail)
    trials = sum(calls.values())
    for (child, previous), details in hits.items():
        count = sum(calls[detail] for detail in details)
        weight = strength(count, trials, profile.lacking[child, previous], profile.trials)
        if not weight:
            continue
        text = (
            f"{in_words(operation)} did not get to {in_words(child)} in {count} of {trials} calls"
        )
        keys = [(operation, CALLS, detail) for detail in details]
        shares = (child[0], TO_MISSING), (operation[0], TO_CALLER)
        for service, share in (*shares, ((previous or operation)[0], TO_PREVIOUS)):
            yield Evidence(service, Sign.MISSING, (operation, child), weight * share, text, keys)


def _shorter(operation: Operation, kinds: Kinds, profile: Profile) -> Iterator[Evidence]:
    calls = kinds[CALLS]
    short = [detail for detail in calls if profile.is_short(detail)]
    if short:
        hits, trials = sum(calls[detail] for detail in short), sum(calls.values())
        weight = SHORTER_WEIGHT * strength(hits, trials, profile.short, profile.trials)
        text = f"{in_words(operation)} broke off early in {hits} of {trials} calls"
        keys = [(operation, CALLS, detail) for detail in short]
        yield Evidence(operation[0], Sign.SHORTER, (operation,), weight, text, keys)


def _slower(operation: Operation, kinds: Kinds, profile: Profile, ways: Ways) -> Iterator[Evidence]:
    """Calls with far more time of their own than usual, and the callees that it lies around."""
    own = kinds.get(OWN, {})
    slow = {bucket: count for bucket, count in own.items() if bucket > profile.limit}
    if not slow:
        return
    hits, trials = sum(slow.values()), sum(own.values())
    weight = strength(hits, trials, profile.slow, profile.timed)
    if not weight:
        return
    excess = profile.excess(slow)
    weight *= min(1.0, excess / EXCESS_SECONDS_FULL)
    text = f"{in_words(operation)} took {excess * 1000:.0f} ms more in {hits} of {trials} calls"
    keys = [(operation, OWN, bucket) for bucket in slow]
    left = 1.0
    for service, share in ways.blame(operation).items():
        left -= share
        said = f"{text}, around its calls of {service}"
        yield Evidence(service, Sign.LATENCY, (operation,), weight * share, said, keys)
    yield Evidence(operation[0], Sign.LATENCY, (operation,), weight * left, text, keys)


def _spoiled(operation: Operation, kinds: Kinds, profile: Profile) -> Iterator[Evidence]:
    """Calls that fail more often than the failures of a callee usually spoil them.

    Where the callee fails more often than before it is a matter of the callee.
    """
    spoiled = kinds.get(SPOILED, {})
    hits, trials = spoiled.get(True, 0), sum(spoiled.values())
    trials_before = sum(profile.spoiled.values())
    if not hits or trials_before < SEEN_MIN:
        return
    calls = sum(kinds[CALLS].values())
    if strength(trials, calls, trials_before, profile.trials) >= SPOILED_MORE:
        return
    weight = strength(hits, trials, profile.spoiled.get(True, 0), trials_before)
    text = f"{in_words(operation)} fails in {hits} of {trials} calls with a failing callee"
    keys = [(operation, SPOILED, True)]
    yield Evidence(operation[0], Sign.ERRORS, (operation,), weight, text, keys)


def _failing(now: Window, usual: Mapping[Operation, Profile]) -> Iterator[Evidence]:
    """Errors per request; a failing call that lacks a usual callee passes most of the blame on."""
    hits: Counter[str] = Counter()
    was: Counter[str] = Counter()
    keys: dict[str, list[Key]] = defaultdict(list)
    serving: dict[str, bool] = {}
    for operation, profile in usual.items():
        recent = now.get(operation, {})
        for detail, count in recent.get(ERRORS, {}).items():
            for service, share in _blamed(operation, detail, profile):
                hits[service] += share * count  # type: ignore[assignment]
                keys[service].append((operation, ERRORS, detail))
        for detail, count in profile.errors.items():
            for service, share in _blamed(operation, detail, profile):
                was[service] += share * count  # type: ignore[assignment]
        if operation[1]:
            continue
        said = recent.get(NAMED, {})
        for by, count in said.items():
            if operation[0] not in serving:
                serving[operation[0]] = _serves(operation[0], now, usual)
            back = TO_NAMING if serving[operation[0]] and by != REST else 0.0
            for service, share in ((operation[0], 1.0 - back), (by[0], back)):
                if share:
                    hits[service] += share * count  # type: ignore[assignment]
                    keys[service].append((operation, NAMED, by))
        was[operation[0]] += sum(profile.named.values())
    for service in hits:
        of_service = service, ""
        requests = now.get(of_service, {}).get(REQUESTS, {}).get(None, 0)
        said_in, before = hits[service] / UNIT, was[service] / UNIT
        trials = max(said_in, float(requests))
        before_all = usual[of_service].requests if of_service in usual else 0
        trials_before = max(before, float(before_all))
        weight = strength(said_in, trials, before, trials_before)
        text = f"errors in {said_in:.0f} of {trials:.0f} requests lead to it"
        yield Evidence(service, Sign.ERRORS, (service,), weight, text, keys[service])


def _blamed(operation: Operation, detail: Any, profile: Profile) -> tuple[tuple[str, float], ...]:
    missing = first_missing(detail, profile.children)
    if missing is None or missing[0][0] == operation[0]:
        return ((operation[0], 1.0),)
    return (operation[0], 1.0 - TO_SILENT), (missing[0][0], TO_SILENT)


def _serves(service: str, now: Window, usual: Mapping[Operation, Profile]) -> bool:
    """True for a service with nearly its usual number of calls, hardly any of which begin to fail."""
    calls = failing = before = 0
    for operation, profile in usual.items():
        if operation[0] == service and profile.trials:
            kinds = now.get(operation, {})
            calls += sum(kinds.get(CALLS, {}).values())
            failing += sum(kinds.get(ERRORS, {}).values())
            before += profile.trials
    requests = now.get(ALL, {}).get(REQUESTS, {}).get(None, 0)
    requests_before = usual[ALL].requests if ALL in usual else 0
    if not before or not requests_before or failing / UNIT > SERVES_ERRORS_MAX * calls:
        return False
    return calls >= SERVES_SHARE * before * requests / requests_before
