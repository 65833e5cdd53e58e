"""The verdict of a scope: causes, and the cause that each alert hangs below."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ticketing.domain.events import Cause, Hung, Verdict
from ticketing.domain.evidence.book import LONGEST, Alert, Book
from ticketing.domain.evidence.causes import Fault, callees_of, faults, ranked
from ticketing.domain.evidence.likelihood import strength
from ticketing.domain.evidence.sample import Sample
from ticketing.domain.evidence.signs import Evidence
from ticketing.domain.evidence.tally import ALERT, SLOT_SECONDS

# Bounds of a verdict, those that the incidents' writer lets in.
ALERTS_MAX, RANKING_MAX, EDGES_MAX, NEAR_MAX, REASONS_MAX = 200, 5, 200, 5, 3
FIT_MIN = 0.5
"""Share of an alert's requests that must be a cause's, or another alert's to be near."""
FIT_OF_SERVICE = 0.75
"""Fit of an alert of the cause's own service, if its requests say less: its lines may lie outside of
the requests that are followed."""
EARLY_SLOTS = 1
"""Slots before the onset of a cause from which on an alert may be its symptom: the first requests may
count for a slot that is not yet noticed."""
RISEN_MIN = 3.0
"""Nats from which on an alert comes more often than before."""
SEEN_TWICE = 2  # requests: a single one is no rate
BEFORE_MIN = 20
"""Earlier requests from which on it is known how often an alert came."""


def verdict_of(book: Book, scope: str, last: int) -> Verdict:
    """The verdict of a scope at the end of slot `last`; pure in all that the book has seen."""
    evidence = book.evidence(last)
    calls = book.calls()
    found = faults(evidence, callees_of(calls))
    onsets = [one.onset(book.last - LONGEST + 1, book.last) for one in found]
    alerts = [_Alert(book, name) for name in book.alerts()]
    alerts.sort(key=lambda alert: (-alert.requests, alert.name))
    del alerts[ALERTS_MAX:]
    near = _near(alerts)
    return Verdict(
        scope=scope,
        at=float((last + 1) * SLOT_SECONDS),
        causes=[
            Cause(
                service=one.service,
                strength=one.strength,
                reasons=_reasons(one.evidence),
                began=float(onset * SLOT_SECONDS),
            )
            for one, onset in zip(found, onsets, strict=True)
        ],
        alerts=[alert.hung(found, onsets, near[alert.name]) for alert in alerts],
        ranking=[
            Cause(
                service=service,
                strength=value,
                reasons=_reasons([one for one in evidence if one.service == service]),
            )
            for service, value in ranked(evidence)[:RANKING_MAX]
        ],
        edges=_edges(calls),
    )


class _Alert:
    """An alert, as the requests of the longest window hold it."""

    def __init__(self, book: Book, name: Alert) -> None:
        self.name = name
        self.sample: Sample = book.sample([(name, ALERT, None)])
        self.requests, self._of, self._before, self._of_before = book.count_of(name)
        self._of_service = book.requests_of(name[0])

    def hung(self, found: Sequence[Fault], onsets: Sequence[int], near: list[str]) -> Hung:
        """The alert below the cause that explains it best."""
        cause, fit = -1, 0.0
        for place, fault in enumerate(found):
            since = self.sample.since(onsets[place] - EARLY_SLOTS)
            if not since:
                continue
            share = since.share_in(fault.requests)
            if self.name[0] == fault.service:
                share = max(share, FIT_OF_SERVICE)
            if share > fit:
                cause, fit = place, share
        return Hung(
            fingerprint=self.name[1],
            cause=cause if fit >= FIT_MIN else -1,
            fit=min(1.0, fit),
            risen=self._risen(),
            requests=self.requests,
            of=self._of_service,
            strength=self._strength(),
            near=near,
        )

    def _risen(self) -> bool:
        if self._before == 0 or self._of_before < BEFORE_MIN:
            return True
        if self.requests < SEEN_TWICE:
            return False
        return self._strength() >= RISEN_MIN

    def _strength(self) -> float:
        trials = max(self.requests, self._of)
        return strength(self.requests, trials, self._before, self._of_before)


def _near(alerts: Sequence[_Alert]) -> Mapping[Alert, list[str]]:
    """Per alert, the fingerprints that share most of the requests of one of the two."""
    holders: dict[tuple[object, int], list[int]] = defaultdict(list)
    for place, alert in enumerate(alerts):
        for stratum, (_, ids) in alert.sample.items():
            for id in ids:
                holders[stratum, id].append(place)
    together: list[Counter[int]] = [Counter() for _ in alerts]
    for places in holders.values():
        for place in places:
            together[place].update(places)
    found: dict[Alert, list[str]] = {}
    for place, alert in enumerate(alerts):
        shares: list[tuple[float, str]] = []
        for other, _ in together[place].most_common(2 * NEAR_MAX + 1):
            if other != place:
                theirs = alerts[other].sample
                share = max(alert.sample.share_in(theirs), theirs.share_in(alert.sample))
                if share >= FIT_MIN:
                    shares.append((-share, alerts[other].name[1]))
        found[alert.name] = [name for _, name in sorted(shares)[:NEAR_MAX]]
    return found


def _reasons(evidence: Sequence[Evidence]) -> list[str]:
    ordered = sorted(evidence, key=lambda one: (-one.strength, one.text))
    return list(dict.fromkeys(one.text for one in ordered))[:REASONS_MAX]


def _edges(calls: Counter[tuple[tuple[str, str], tuple[str, str]]]) -> list[tuple[str, str]]:
    """Callers and callees of different services, the most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    for (caller, callee), count in calls.items():
        if caller[0] != callee[0]:
            found[caller[0], callee[0]] += count
    return [edge for edge, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))][
        :EDGES_MAX
    ]
