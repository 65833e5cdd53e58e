"""Follows requests and reports findings about each incident's outbreaks, bounded in memory.

Two clocks. The limits of outbreaks go by event time, so that a replay at full speed has the findings
of the live run. The memory of lines and the pauses between reports go by arrival.
All times are Unix seconds.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ticketing.domain.evidence.ledger import Ledger, Told
from ticketing.domain.traces.buffer import Key, Part, TraceBuffer
from ticketing.domain.traces.facts import facts_of
from ticketing.domain.traces.findings import Candidate, Findings, Peer, Relation
from ticketing.domain.traces.history import History
from ticketing.domain.traces.reporting import MarkedRequest, Outbreak, findings
from ticketing.domain.traces.sampling import KnownShares
from ticketing.domain.traces.spans import Line
from ticketing.domain.traces.watermark import Watermark

SETTLE_SECONDS = 5.0
"""Event time after a request's last line from which on it counts as complete: room for late lines,
at the price of later findings."""
OUTBREAK_GAP_SECONDS = 120.0
"""Silence after which an anomaly begins another outbreak: the longest window of evidence."""
CLOSE_SECONDS = 30.0
"""Event time after an outbreak's last anomaly at which it is looked at for the last time: all of its
requests are complete by then."""
# Arrival time from an outbreak's first anomaly to its first report, from there to the second, and
# between later ones, a pause that doubles. The first is there before a critical incident's ticket
# (group wait 5 s by default), the second before all others (30 s); later ones tell less and less.
FIRST_AFTER_SECONDS = 1.5
SECOND_AFTER_SECONDS = 6.0
AGAIN_AFTER_SECONDS = 10.0
AGAIN_AFTER_SECONDS_MAX = 300.0
# Requests of an outbreak that are remembered, of these the first ones kept for good, and the number
# looked into: reading one decodes all its lines.
OWN_TRACES_MAX = 100
FIRST_TRACES = 25
READ_TRACES_MAX = 40
RECENT_SECONDS = 120.0
"""The longest window of evidence: the blast radius covers the same requests."""
REVISED_SECONDS = 5.0
"""Arrival time for which changed requests are gathered before their outbreaks are told again."""
# Incidents that are followed, and outbreaks of each: bounds the memory, the latest are kept.
OUTBREAKS_MAX = 5_000
OUTBREAKS_EACH_MAX = 4
LOOKS_MAX = 20
"""Outbreaks looked into per call: the rest waits for the next one, as a storm must not block."""
SAME_SHARE = 0.8
"""Share of its requests that another incident of the service has too: two lines of one event, even
if some lines were lost."""
CAUSE_SHARE_MIN = 0.4
"""Share of an incident's requests from which on the service that they lead to makes another incident
this one's cause: clearly the first, though not always the majority."""
# Memory of the past: tenants, and requests of all tenants together, five full histories.
TENANTS_MAX = 200
REQUESTS_MAX = 30_000
ENDING_MAX = 200_000
"""Requests that wait for event time: beyond, the earliest are complete, as the clock of a source may
stand still."""
PEERS_MAX = 20
"""As many as an incident may have links."""
TENANT_ACTIVE_SECONDS = 300.0
"""Outbreaks of a service in several tenants this close are one fault's: quiet tenants meet it late."""

Name = tuple[str, str]
"""Tenant and fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Bounds; the configuration's section `traces` sets them."""

    samples: int
    spans_max: int
    buffer_spans: int
    keep: float
    shared_by_max: int


@dataclass(slots=True)
class _Open:
    """An outbreak under way, with the essence of the last report and the arrival time of the next."""

    outbreak: Outbreak
    report_at: float
    traces: OrderedDict[str, None] = field(default_factory=OrderedDict)
    seen: int = 0
    closes_at: float = 0.0
    closing: bool = False
    pause: float = AGAIN_AFTER_SECONDS
    reported: tuple[object, ...] | None = None

    def covers(self, at: float) -> bool:
        """True if an anomaly of this event time belongs to the outbreak."""
        gap = OUTBREAK_GAP_SECONDS
        return self.outbreak.since - gap <= at <= self.outbreak.until + gap


@dataclass(frozen=True, slots=True)
class Report:
    """Findings about a fingerprint, for the writer of the scope's incidents."""

    scope: str
    fingerprint: str
    findings: Findings


class Correlator:
    """Takes lines in, gives findings out. One instance per worker; all of its state may be lost."""

    def __init__(
        self,
        settings: Settings,
        decode: Callable[[bytes], list[Line]],
        ledger: Ledger | None = None,
    ) -> None:
        """`ledger` takes the facts of whole requests, for the tallies of their scopes."""
        self._settings = settings
        self._ledger = ledger
        self._buffer = TraceBuffer(
            decode,
            lines_max=settings.buffer_spans,
            per_trace_max=settings.spans_max,
            keep_seconds=settings.keep,
        )
        self._watermark = Watermark()
        self._ending: list[tuple[float, Key]] = []
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._outbreaks: OrderedDict[Name, list[_Open]] = OrderedDict()
        self._requests = 0
        self._fresh: dict[int, _Open] = {}
        self._closing: list[tuple[float, int, _Open]] = []
        self._numbers = itertools.count()
        self._shares = KnownShares()
        self._causes: OrderedDict[Name, str] = OrderedDict()
        self._revised: dict[str, tuple[float, float]] = {}
        """Tenants with requests that have changed since they were complete: the first and the last
        of their ends."""
        self._revised_from = -math.inf
        self._now = -math.inf

    @property
    def held(self) -> int:
        """Lines in memory."""
        return self._buffer.held

    def take_dropped(self) -> dict[str, int]:
        """The numbers of lines let go since the last call, by reason."""
        return self._buffer.take_dropped()

    def take(
        self,
        key: Key,
        part: Part,
        at: float,
        fingerprints: dict[str, tuple[str, float, str]],
        now: float,
        scope: str = "",
        halved: int = 0,
    ) -> None:
        """Take in lines of one request, whose first line lies in `scope`.

        They are of one in 2**`halved` requests (`domain.traces.sampling`).

        `fingerprints` maps those of its anomalies to service, event time and scope.
        """
        services = {fingerprint: mark[0] for fingerprint, mark in fingerprints.items()}
        scope = scope or next((mark[2] for mark in fingerprints.values()), "")
        self._shares.note(scope, halved, at)
        trace = self._buffer.add(key, part, at, services, now, scope)
        if trace is not None:
            heapq.heappush(self._ending, (trace.at, key))
        for fingerprint, (service, seen_at, scope) in fingerprints.items():
            self._anomalous(key, scope, fingerprint, service, seen_at, now)

    def reached(self, source: str, at: float, now: float) -> None:
        """Note that all lines of a source up to this event time have been read."""
        self._watermark.report(source, at, now)

    def expect(self, source: str, now: float) -> None:
        """Wait for the lines of a source that exists, though nothing was read of it yet."""
        self._watermark.expect(source, now)

    def forget(self, unwanted: Callable[[Key], bool]) -> None:
        """Let go of requests whose lines go to another worker from now on, and of all tallies."""
        self._buffer.forget(unwanted)
        if self._ledger is not None:
            self._ledger.clear()

    def take_untold(self) -> dict[str, int]:
        """The numbers of requests that no tally counted since the last call, by reason."""
        return self._ledger.take_dropped() if self._ledger is not None else {}

    def told(self, now: float) -> list[Told]:
        """The tallies due at this arrival time, a few at once; the others at the next call."""
        return self._ledger.due(self._watermark.at(now), now) if self._ledger is not None else []

    def keep_sources(self, ends: Iterable[str]) -> None:
        """Wait no more for sources whose names don't end like one of these."""
        self._watermark.keep(ends)

    def advance(self, now: float) -> list[Report]:
        """The reports due at this arrival time, a few at once; the others at the next call."""
        self._now = now
        through = self._watermark.at(now)
        reports: list[Report] = []
        looks = 0
        while len(self._ending) > ENDING_MAX:
            self._complete(heapq.heappop(self._ending)[1])
        while looks < LOOKS_MAX:
            ends = self._ending[0][0] + SETTLE_SECONDS if self._ending else math.inf
            closes = self._closing[0][0] if self._closing else math.inf
            if min(ends, closes) > through or min(ends, closes) == math.inf:
                break
            if ends <= closes:
                self._complete(heapq.heappop(self._ending)[1])
                continue
            at, number, open_ = heapq.heappop(self._closing)
            if at < open_.closes_at:
                heapq.heappush(self._closing, (open_.closes_at, number, open_))
            else:
                open_.closing = False
                # Silent for a while: no more will become known.
                looks += 1
                reports += self._report(open_, now)
        self._tell_again(now)
        for open_ in [one for one in self._fresh.values() if one.report_at <= now]:
            if looks >= LOOKS_MAX:
                break
            looks += 1
            reports += self._report(open_, now)
        self._buffer.expire(now)
        return reports

    def _tell_again(self, now: float) -> None:
        """Look again at outbreaks among whose requests some have changed."""
        if not self._revised or now < self._revised_from + REVISED_SECONDS:
            return
        revised, self._revised = self._revised, {}
        for (tenant, _), outbreaks in self._outbreaks.items():
            first, last = revised.get(tenant, (math.inf, -math.inf))
            for open_ in outbreaks:
                was = open_.outbreak
                if was.since - RECENT_SECONDS <= last and was.until + CLOSE_SECONDS >= first:
                    self._fresh.setdefault(id(open_), open_)

    def _anomalous(
        self, key: Key, scope: str, fingerprint: str, service: str, at: float, now: float
    ) -> None:
        tenant, trace_id = key
        outbreaks = self._outbreaks.setdefault((tenant, fingerprint), [])
        open_ = next((one for one in outbreaks if one.covers(at)), None)
        if open_ is None:
            outbreak = Outbreak(tenant, scope, service, fingerprint, at, at)
            open_ = _Open(outbreak, report_at=now + FIRST_AFTER_SECONDS)
            outbreaks.append(open_)
            del outbreaks[:-OUTBREAKS_EACH_MAX]
            if len(self._outbreaks) > OUTBREAKS_MAX:
                self._outbreaks.popitem(last=False)
        was = open_.outbreak
        open_.outbreak = replace(was, since=min(at, was.since), until=max(at, was.until))
        open_.closes_at = open_.outbreak.until + CLOSE_SECONDS
        if not open_.closing:
            open_.closing = True
            heapq.heappush(self._closing, (open_.closes_at, next(self._numbers), open_))
        self._fresh[id(open_)] = open_
        if trace_id not in open_.traces:
            open_.seen += 1
            open_.traces[trace_id] = None
            if len(open_.traces) > OWN_TRACES_MAX:
                # The first requests show the beginning, the latest ones the present.
                del open_.traces[next(itertools.islice(open_.traces, FIRST_TRACES, None))]

    def _complete(self, key: Key) -> None:
        trace = self._buffer.get(key)
        if trace is None or trace.done:
            return
        trace.done = True
        history = self._history(key[0])
        whole = not trace.cut and self._shares.covers(trace.scope, key[1], trace.at)
        ledger = self._ledger if trace.scope and whole else None
        if ledger is not None and not ledger.wants(trace.scope, key[1], trace.at):
            ledger = None
        if ledger is None and not history.wants(key[1], trace.at) and not trace.fingerprints:
            return
        tree = self._buffer.tree(trace)
        if not tree.calls:
            return
        for call in tree.calls:
            history.know(call.span.service)
        if whole:
            facts = facts_of(key[1], tree, history.services)
            if ledger is not None:
                ledger.add(trace.scope, facts, trace.fingerprints, trace.facts_at)
            if history.wants(key[1], facts.at):
                before = len(history)
                if history.add(facts, trace.facts_at):
                    self._revise(key[0], facts.at)
                self._requests += len(history) - before
                self._make_room()
            trace.facts_at = facts.at
        self._buffer.forget_tree(trace)

    def _revise(self, tenant: str, at: float) -> None:
        """Note that a request has changed; the pause begins with the first one that has."""
        if not self._revised:
            self._revised_from = self._now
        first, last = self._revised.get(tenant, (at, at))
        self._revised[tenant] = min(first, at), max(last, at)

    def _make_room(self) -> None:
        """Let go of the past of tenants, those first that were silent for longest."""
        while self._requests > REQUESTS_MAX:
            tenant, history = next(iter(self._histories.items()))
            before = len(history)
            history.forget_oldest()
            self._requests -= before - len(history)
            if not len(history):
                del self._histories[tenant]

    def _history(self, tenant: str) -> History:
        history = self._histories.get(tenant)
        if history is None:
            history = self._histories[tenant] = History()
            if len(self._histories) > TENANTS_MAX:
                _, gone = self._histories.popitem(last=False)
                self._requests -= len(gone)
        self._histories.move_to_end(tenant)
        return history

    def _report(self, open_: _Open, now: float) -> list[Report]:
        """The findings, if they differ materially from the last report."""
        self._fresh.pop(id(open_), None)
        found = self._findings(open_)
        open_.report_at = now + open_.pause
        essence = _essence(found)
        if open_.reported is None:
            # Once more before the ticket is due: by then its neighbours are known too.
            open_.report_at = now + SECOND_AFTER_SECONDS
            self._fresh[id(open_)] = open_
        if essence == open_.reported:
            return []
        if open_.reported is not None:
            open_.pause = min(2 * open_.pause, AGAIN_AFTER_SECONDS_MAX)
        open_.reported = essence
        outbreak = open_.outbreak
        return [Report(outbreak.scope, outbreak.fingerprint, found)]

    def _findings(self, open_: _Open) -> Findings:
        outbreak = open_.outbreak
        history = self._history(outbreak.tenant)
        requests = self._marked_requests(open_, history)
        until = math.ceil(outbreak.until / SETTLE_SECONDS) * SETTLE_SECONDS + SETTLE_SECONDS
        known = history.through(until)
        begins = max(outbreak.since - SETTLE_SECONDS, until - RECENT_SECONDS)
        found = findings(
            outbreak,
            requests,
            [one for one in known if one.at > begins],
            [one for one in known if one.at <= begins],
            traces=open_.seen,
            tenants=self._tenants(outbreak),
            samples_max=self._settings.samples,
        )
        self._remember_cause(outbreak, found.candidates)
        return replace(found, peers=self._peers(open_, found.candidates))

    def _remember_cause(self, outbreak: Outbreak, candidates: list[Candidate]) -> None:
        name = outbreak.tenant, outbreak.fingerprint
        self._causes[name] = _cause(candidates)
        if len(self._causes) > OUTBREAKS_MAX:
            self._causes.popitem(last=False)

    def _marked_requests(self, open_: _Open, history: History) -> list[MarkedRequest]:
        ids = list(open_.traces)
        wanted = ids if len(ids) <= READ_TRACES_MAX else [*ids[:10], *ids[10 - READ_TRACES_MAX :]]
        requests = []
        for id in wanted:
            trace = self._buffer.get((open_.outbreak.tenant, id))
            if trace is None:
                continue
            lines = self._buffer.lines(trace)
            tree = self._buffer.tree(trace)
            if not tree.calls:
                continue
            ids_of = {call.span.id: call.index for call in tree.calls}
            marked = frozenset(
                ids_of[line.span_id or f"{line.service} {line.endpoint}"]
                for line in lines
                if line.fingerprint == open_.outbreak.fingerprint
            )
            requests.append(
                MarkedRequest(tree, facts_of(id, tree, history.services), lines, marked)
            )
            self._buffer.forget_tree(trace)
        return requests

    def _peers(self, open_: _Open, candidates: list[Candidate]) -> list[Peer]:
        """Incidents with anomalies in the same requests; a request shared by too many links none."""
        outbreak = open_.outbreak
        shared: Counter[str] = Counter()
        services: dict[str, str] = {}
        for id in open_.traces:
            trace = self._buffer.get((outbreak.tenant, id))
            if trace is None or len(trace.fingerprints) > self._settings.shared_by_max:
                continue
            for fingerprint, service in trace.fingerprints.items():
                if fingerprint != outbreak.fingerprint:
                    shared[fingerprint] += 1
                    services[fingerprint] = service
        cause = _cause(candidates)
        return [
            Peer(
                fingerprint=fingerprint,
                service=services[fingerprint],
                relation=self._relation(
                    outbreak,
                    cause,
                    fingerprint,
                    services[fingerprint],
                    count / len(open_.traces),
                ),
                traces=count,
            )
            for fingerprint, count in shared.most_common(PEERS_MAX)
        ]

    def _relation(
        self, outbreak: Outbreak, cause: str, fingerprint: str, service: str, share: float
    ) -> Relation:
        """The relation of another incident to this one; `share` is the part of requests in common."""
        theirs = self._causes.get((outbreak.tenant, fingerprint))
        if service == outbreak.service:
            return (
                Relation.SAME if theirs == cause != "" or share >= SAME_SHARE else Relation.RELATED
            )
        if service == cause:
            return Relation.CAUSE
        if theirs == outbreak.service:
            return Relation.SYMPTOM
        return Relation.SAME if theirs == cause != "" else Relation.RELATED

    def _tenants(self, outbreak: Outbreak) -> int:
        """The number of tenants with an outbreak in the same service at that time."""
        active = {outbreak.tenant}
        for (tenant, _), others in self._outbreaks.items():
            latest = others[-1].outbreak
            same = latest.service == outbreak.service
            if same and abs(latest.until - outbreak.until) <= TENANT_ACTIVE_SECONDS:
                active.add(tenant)
        return len(active)


def _cause(candidates: list[Candidate]) -> str:
    """The service that most requests lead to, if these are enough; else an empty string."""
    return candidates[0].service if candidates and candidates[0].share >= CAUSE_SHARE_MIN else ""


def _essence(found: Findings) -> tuple[object, ...]:
    """The part of the findings whose change is worth another report."""
    radius = found.blast_radius
    return (
        [candidate.service for candidate in found.candidates[:3]],
        sorted(found.affected_services),
        sorted(found.affected_endpoints),
        sorted((peer.fingerprint, peer.relation.value) for peer in found.peers),
        round(radius.failing_share * 4),
        radius.tenants,
        bool(found.samples),
    )
