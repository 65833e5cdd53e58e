"""The writer of incidents: folds signals into the table `incidents` and publishes what changed.

The rules are in ticketing.domain; this module applies them in a transaction. A batch
publishes each changed incident once, in its last state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from agents.counting import Counting
from agents.incident_counters import SignalCounter, count_changes
from tables.incidents import COUNTED, Record, decode, encode, is_open, is_stored_open
from ticketing import metrics
from ticketing.domain.alerts import watermarks
from ticketing.domain.alerts.conservation import Counted, counting, counting_redriven
from ticketing.domain.alerts.counting import fresh_above
from ticketing.domain.alerts.fingerprint import partition_of, stray_fingerprint
from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.alerts.redriven import (
    KEPT_SECONDS,
    RedrivenOffsets,
    redriven_key,
    with_offsets,
    without,
)
from ticketing.domain.events import Command, Correlation, Receipt, Summary
from ticketing.domain.incidents import (
    commands,
    fallback,
    lifecycle,
    linking,
    occurrences,
    reports,
    storm,
    timers,
)
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.incidents.linking import Linked
from ticketing.domain.incidents.policy import GROUP_BY_SERVICE, Policy
from ticketing.domain.incidents.storm import Guard, Place
from ticketing.domain.signals import Anomalies, Origin, Progress, Redriven, Tick
from ticketing.engine import path_reporter
from ticketing.engine.guarded import UNDECODABLE, Failure, SetAside
from ticketing.engine.statemachine import Machine, Transaction
from ticketing.wire import signals, topics
from ticketing.wire.incidents import encode_incident
from ticketing.wire.signals import SignalBody

Tx = Transaction[Record]
_NO_GUARD = Guard()
_NOTHING_COUNTED = Counted()


class IncidentMachine(Machine[Record]):
    """One writer for all incidents of a partition of ticketing-signals.

    All anomalies of one service from one batch of one source partition must come in one message:
    their offsets interleave, and a collective incident counts by its highest offset.
    """

    latest_only = frozenset({topics.INCIDENTS})

    def __init__(
        self,
        policy: Policy,
        *,
        inputs: Iterable[str] = (),
        counted: Callable[[int, int, int], None] | None = None,
        reported: Callable[[Progress], None] | None = None,
        partitions: int,
    ) -> None:
        """`inputs` are the topics whose progress the quiet clock waits for.

        `counted` gets the partition, the offset behind each durable batch, and the number of the
        inputs' anomalies that the partition has counted up to there. `reported` gets each report
        of progress in the partition of the path (see ticketing.engine.path_reporter).
        `partitions` is the number of partitions of the signals.
        """
        self.policy = policy
        self._inputs = tuple(inputs)
        self._counted = counted
        self._reported = reported
        self._partitions = partitions
        self._clocks: dict[int, tuple[int, QuietClock]] = {}
        self._changed: dict[str, None] = {}
        self._signals = SignalCounter()

    def encode(self, state: Record) -> bytes:
        """The record as the table keeps it."""
        return encode(state)

    def decode(self, value: bytes) -> Record:
        """The reverse of `encode`."""
        return decode(value)

    def unfinished(self, state: Record, now: float) -> bool:
        """True for an open incident."""
        return is_open(state)

    def stored_unfinished(self, value: bytes, due: float | None, now: float) -> bool:
        """True for an open incident."""
        return is_stored_open(value)

    def report_unfinished(self, unfinished: int) -> None:
        """Export the number of open incidents in the partitions of this process."""
        metrics.incidents_open.set(unfinished)

    def begin_batch(self, tx: Tx) -> None:
        """Forget the changes of the batch before."""
        self._changed = {}

    def end_batch(self, tx: Tx) -> None:
        """Publish every changed incident in its last state."""
        self._signals.count_in(tx)
        self._tell_counted(tx)
        for key in self._changed:
            outcome = tx.attempt(partial(self._publish, tx, key))
            if isinstance(outcome, Failure):
                tx.fails(key, "publish", outcome)

    def _publish(self, tx: Tx, key: str) -> None:
        record = tx.get(key)
        if isinstance(record, Incident):
            tx.send(topics.INCIDENTS, record.id, encode_incident(record))

    def recover(self, tx: Tx, key: str, state: Record, unpublished: bool) -> None:
        """Publish an incident again that a lost process may have written and not sent."""
        if unpublished and isinstance(state, Incident):
            tx.send(topics.INCIDENTS, state.id, encode_incident(state))

    def apply(self, tx: Tx, value: bytes) -> None:
        """Fold one message. Anomalies come first: progress beside them says that they are counted.

        A signal that fails becomes a dead letter alone.
        """
        packed = signals.read_signals(value)
        refused = {place: Failure(UNDECODABLE, why) for place, why in packed.unreadable}
        counting = Counting(self, tx, refused)
        counting.count([(place, b) for place, b in packed.bodies if isinstance(b, Anomalies)])
        counted = [
            body
            for place, body in packed.bodies
            if isinstance(body, Anomalies) and place not in refused
        ]
        for place, body in packed.bodies:
            if not isinstance(body, Anomalies):
                outcome = tx.attempt(partial(self._apply_one, tx, body, counted))
                if isinstance(outcome, Failure):
                    refused[place] = outcome
        for place, failure in sorted(refused.items()):
            tx.refuse(packed.alone(place), failure)
        # Last: the signals of a message that fails were not handled.
        self._signals.note(body for place, body in packed.bodies if place not in refused)

    def _apply_one(self, tx: Tx, body: SignalBody, counted: list[Anomalies]) -> None:
        if isinstance(body, Origin):
            self._note_counted(tx, lambda known: counting(known, body, counted))
        elif isinstance(body, Progress):
            self._clock(tx).report(body)
            if self._reported is not None and tx.partition == path_reporter.PARTITION:
                tx.after(partial(self._reported, body))
        elif isinstance(body, Redriven):
            self._count_redriven(tx, body.anomalies)
        elif isinstance(body, Correlation):
            self._correlated(tx, body)
        elif isinstance(body, Linked):
            self._linked(tx, body)
        elif not isinstance(body, (Anomalies, Tick)):
            self._apply_to_incident(tx, body)

    def due(self, tx: Tx, key: str, state: Record) -> None:
        """Do what is due: publish, ticket, escalate, resolve, forget."""
        if isinstance(state, RedrivenOffsets):
            tx.delete(key)
            return
        if isinstance(state, Guard):
            self._prune(tx, key, state)
            return
        if isinstance(state, Counted):
            return  # Never due.
        quiet = self._clock(tx).now()
        if timers.expired(state, quiet, self.policy):
            tx.delete(key)
            tx.send(topics.INCIDENTS, state.id, None)
            return
        after = timers.elapsed(self._released(tx, state), tx.now, quiet, self.policy)
        after, said = linking.asking_again(after, tx.now)
        self._say(tx, said)
        after = self._recounted(tx, after)
        self._save(tx, key, state, after)
        if after is state:
            tx.put(key, state, due=self._next_due(tx, state), order=_order(key, state))

    # Counting

    def count_own(self, tx: Tx, signal: Anomalies, *, past: bool = False) -> Anomalies | None:
        """Count anomalies in their own incident; returns those for the service's collective one.

        `past`: no watermark says that they are counted.
        """
        own = _incident(tx.get(signal.fingerprint))
        # Lines of stack traces are counted by themselves, beside all guards.
        is_stray = signal.fingerprint == stray_fingerprint(signal.tenant, signal.service)
        if not is_stray and self._place(tx, signal, own) is Place.COLLECTIVE:
            return signal if past else self._not_in(tx, signal, own)
        if own is not None and own.status is not Status.RESOLVED:
            self._join(tx, signal, own, -1, past)
        else:
            self._begin(tx, signal, own, Kind.STRAY if is_stray else Kind.PATTERN, past)
        return None

    def count_together(self, tx: Tx, signal: Anomalies, *, past: bool = False) -> None:
        """Count anomalies of a service in its collective incident."""
        signal, kind = storm.collective(signal, self.policy)
        before = _incident(tx.get(signal.fingerprint))
        if before is not None and before.status is not Status.RESOLVED:
            floor = self._inherited(tx, signal).get(signal.source, -1)
            self._join(tx, signal, before, floor, past)
        else:
            self._begin(tx, signal, before, kind, past)

    def _count_redriven(self, tx: Tx, signal: Anomalies) -> None:
        key = redriven_key(signal)
        known = tx.get(key)
        known = known if isinstance(known, RedrivenOffsets) else RedrivenOffsets()
        # Written last: an incident that reflects this message counts nothing when it is replayed.
        after = with_offsets(known, signal)
        tx.put(key, after, due=tx.now + KEPT_SECONDS, order=storm.LAST + 1)
        signal = without(signal, known)
        if not signal.windows:
            return
        # Before the offsets above: counts that reflect this message are not added to by a replay.
        if not tx.is_set_aside(COUNTED) and not tx.replayed(COUNTED):
            self._note_counted(tx, lambda known: counting_redriven(known, signal))
        others = self.count_own(tx, signal, past=True)
        if others is not None:
            self.count_together(tx, others, past=True)

    def _place(self, tx: Tx, signal: Anomalies, own: Incident | None) -> Place:
        guard, overflow = _NO_GUARD, None
        if own is None:
            tenant, service = signal.tenant, signal.service
            guard = _guard(tx.peek(storm.patterns_guard_key(tenant, service)))
            overflow = _incident(tx.peek(storm.overflow_fingerprint(tenant, service)))
        return storm.placed(
            signal.fingerprint, own, guard, overflow, tx.offset, tx.now, self.policy
        )

    def _not_in(self, tx: Tx, signal: Anomalies, own: Incident | None) -> Anomalies:
        """The signal without the offsets that the fingerprint's own, resolved incident counted."""
        if own is None or own.admitted_offset > tx.offset:
            return signal
        mark = own.watermarks.get(signal.source, -1)
        kept = {start: [o for o in found if o > mark] for start, found in signal.windows.items()}
        return replace(signal, windows=kept)

    def _inherited(self, tx: Tx, signal: Anomalies) -> dict[str, int]:
        """The watermarks of the service's collective incidents."""
        marks: dict[str, int] = {}
        for name in (storm.overflow_fingerprint, storm.group_fingerprint):
            found = _incident(tx.peek(name(signal.tenant, signal.service)))
            if found is not None:
                marks = watermarks.merged(marks, found.watermarks)
        return marks

    def _join(self, tx: Tx, signal: Anomalies, own: Incident, floor: int, past: bool) -> None:
        key = own.fingerprint
        if tx.replayed(key):
            self._changed[key] = None
            return
        mark = -1 if past else max(floor, own.watermarks.get(signal.source, -1))
        fresh = fresh_above(signal, mark)
        if not fresh.count:
            return
        after = lifecycle.joined(own, signal, fresh, tx.now, self.policy)
        if own.held_by and after.severity != own.severity:
            self._raise_holder(tx, after)
            # Asking again tells a cause in another partition of the severity.
            after = replace(after, asked_at=0.0)
        self._save(tx, key, own, after)

    def _begin(
        self, tx: Tx, signal: Anomalies, before: Incident | None, kind: Kind, past: bool
    ) -> None:
        """Open, reopen or start the next episode, if the signal brings anything fresh."""
        key = signal.fingerprint
        if tx.replayed(key):
            self._changed[key] = None
            return
        # No collective incident ever counts lines of stack traces.
        inherited = {} if kind is Kind.STRAY else self._inherited(tx, signal)
        marks = watermarks.merged(inherited, before.watermarks if before else {})
        fresh = fresh_above(signal, -1 if past else marks.get(signal.source, -1))
        if not fresh.count:
            return
        now, policy = tx.now, self.policy
        if before is None and kind is Kind.PATTERN and policy.group_by != GROUP_BY_SERVICE:
            self._admit(tx, signal)
        if before is not None and lifecycle.reopens(before, now, policy):
            after = lifecycle.fired_again(before, signal, fresh, now, policy, inherited)
            self._save(tx, key, before, after)
            return
        if before is not None:
            self._archive(tx, before)
        incident = lifecycle.opened(
            signal,
            fresh,
            now,
            policy,
            id=lifecycle.incident_id(key, tx.partition, tx.offset),
            offset=tx.offset,
            before=before,
            kind=kind,
            inherited=inherited,
        )
        self._save(tx, key, None, self._paged(tx, incident))

    def _archive(self, tx: Tx, resolved: Incident) -> None:
        """Keep the old episode under its id; written first, as its key is reused in this batch."""
        due = self._next_due(tx, resolved)
        tx.put(resolved.id, resolved, due=due, order=storm.FIRST)
        self._changed[resolved.id] = None

    def _note_counted(self, tx: Tx, change: Callable[[Counted], Counted]) -> None:
        if tx.is_set_aside(COUNTED):
            return
        before = _counted(tx.get(COUNTED))
        after = change(before)
        if after is not before:
            tx.put(COUNTED, after, due=None)

    def _tell_counted(self, tx: Tx) -> None:
        if self._counted is not None and not tx.is_set_aside(COUNTED):
            total = _counted(tx.get(COUNTED)).total(self._inputs)
            tx.after(partial(self._counted, tx.partition, tx.offset + 1, total))

    # Guards

    def _admit(self, tx: Tx, signal: Anomalies) -> None:
        if self.policy.max_patterns_per_service <= 0:
            return
        key = storm.patterns_guard_key(signal.tenant, signal.service)
        self._let_through(tx, key, signal.fingerprint, self.policy.patterns_window)

    def _let_through(self, tx: Tx, key: str, name: str, window: float) -> None:
        if tx.is_set_aside(key):
            return  # A guard that can't be read guards nothing, and must not cost a page.
        guard = _guard(tx.get(key))
        after = storm.admitting(guard, name, tx.now, tx.offset, window)
        if after is not guard:
            tx.put(key, after, due=tx.now + window, order=storm.FIRST)

    def _prune(self, tx: Tx, key: str, guard: Guard) -> None:
        pages = key.startswith(storm.PAGES)
        window = self.policy.pages_window if pages else self.policy.patterns_window
        after = storm.recent(guard, tx.now, window)
        if not after.admitted:
            tx.delete(key)
            return
        last = max(at for at, _ in after.admitted.values())
        tx.put(key, after, due=last + window, order=storm.FIRST)

    def _may_page(self, tx: Tx, incident: Incident) -> bool:
        """Take a place below the tenant's ceiling of new pages; False if none is left."""
        policy = self.policy
        limit = policy.max_pages_per_minute
        if limit <= 0 or not incident.routes:
            return True
        key = storm.pages_guard_key(incident.tenant)
        guard = _guard(tx.peek(key))
        lately = storm.lately(guard, tx.now, tx.offset, policy.pages_window)
        if incident.id not in guard.admitted and lately >= limit:
            return False
        self._let_through(tx, key, incident.id, policy.pages_window)
        return True

    def _paged(self, tx: Tx, incident: Incident) -> Incident:
        if incident.waits_for:
            return incident
        umbrella = storm.umbrella_fingerprint(incident.tenant, tx.partition)
        # Behind an umbrella that can't be read nobody would see the incident.
        if self._may_page(tx, incident) or tx.is_set_aside(umbrella):
            return lifecycle.settled(incident, tx.now, self.policy)
        umbrella_id = self._hold(tx, incident)
        return storm.held_back(incident, umbrella_id, tx.now, self.policy)

    def _recounted(self, tx: Tx, incident: Incident) -> Incident:
        """The incident, on its way to a ticket once it has the occurrences that it waited for."""
        if not incident.waits_for or incident.status is Status.RESOLVED:
            return incident
        after = occurrences.recounted(incident, self.policy)
        if after is incident:
            return incident
        return lifecycle.published(self._paged(tx, after), tx.now)

    def _hold(self, tx: Tx, incident: Incident) -> str:
        """Put an incident under its tenant's umbrella; returns the umbrella's id."""
        now, policy = tx.now, self.policy
        key = storm.umbrella_fingerprint(incident.tenant, tx.partition)
        umbrella = _incident(tx.get(key))
        if umbrella is not None and tx.replayed(key):
            return umbrella.id
        if umbrella is not None and (
            umbrella.status is not Status.RESOLVED or lifecycle.reopens(umbrella, now, policy)
        ):
            after = storm.holding(umbrella, incident, now, policy)
            self._save(tx, key, umbrella, after)
            return after.id
        episode = 1
        if umbrella is not None:
            episode = umbrella.episode + 1
            self._archive(tx, umbrella)
        id = lifecycle.incident_id(key, tx.partition, tx.offset)
        opened = storm.umbrella_opened(incident, now, policy, id=id, name=key, episode=episode)
        self._save(tx, key, None, opened)
        return id

    def _raise_holder(self, tx: Tx, held: Incident) -> None:
        key, holder = self._peek(tx, held.held_by)
        if holder is None or holder.status is Status.RESOLVED or tx.replayed(key):
            return
        after = lifecycle.raised(holder, held.severity, tx.now, self.policy)
        self._save(tx, key, holder, after)

    def _released(self, tx: Tx, incident: Incident) -> Incident:
        """The incident, freed once its umbrella is resolved and the ceiling leaves room."""
        if linking.is_leased(incident):
            return incident
        waiting = incident.held_by and not incident.ticketed
        if not waiting or incident.status is Status.RESOLVED or incident.ticket_at > tx.now:
            return incident
        _, holder = self._peek(tx, incident.held_by)
        if holder is not None and holder.status is not Status.RESOLVED:
            return incident
        return replace(incident, held_by="") if self._may_page(tx, incident) else incident

    # Commands and reports

    def _correlated(self, tx: Tx, body: Correlation) -> None:
        """Add findings to the fingerprint's incident, else to the collective one counting for it."""
        key, incident = body.fingerprint, _incident(tx.get(body.fingerprint))
        if incident is None:
            for name in (storm.overflow_fingerprint, storm.group_fingerprint):
                key = name(body.tenant, body.service)
                incident = _incident(tx.peek(key))
                if incident is not None:
                    break
        if incident is None:
            return
        if tx.replayed(key):
            self._changed[key] = None
            return
        after = reports.correlated(incident, body.findings, tx.now, self.policy)
        after, said = linking.met(after, body.findings.peers, tx.now, self.policy)
        self._say(tx, said)
        self._save(tx, key, incident, after)

    def _linked(self, tx: Tx, message: Linked) -> None:
        """Apply a message of another incident's writer to the incident that it names."""
        if message.to_id:
            key, incident = self._find(tx, message.to_id)
        else:
            key, incident = message.to_fingerprint, _incident(tx.get(message.to_fingerprint))
        if incident is None or incident.tenant != message.tenant:
            self._say(tx, linking.nobody(message))
            return
        if tx.replayed(key):
            self._changed[key] = None
            return
        after, said = linking.told(incident, message, tx.now, self.policy)
        self._say(tx, said)
        self._save(tx, key, incident, after)

    def _say(self, tx: Tx, said: list[Linked]) -> None:
        for message in said:
            partition = self._partition_of(message)
            # An id of elsewhere names a partition that is not there, to which a send would hang.
            if 0 <= partition < self._partitions:
                tx.send(topics.SIGNALS, None, signals.encode_signals([message]), partition)

    def _partition_of(self, message: Linked) -> int:
        if not message.to_id:
            return partition_of(message.tenant, message.to_service, self._partitions)
        try:
            return topics.signals_partition_of(message.to_id)
        except ValueError:
            return -1

    def _apply_to_incident(self, tx: Tx, body: Command | Receipt | Summary) -> None:
        key, incident = self._find(tx, body.incident_id)
        if incident is None:
            return
        if tx.replayed(key):
            self._changed[key] = None
            return
        now, policy = tx.now, self.policy
        if isinstance(body, Command):
            archived = key == incident.id
            after = commands.commanded(incident, body, now, policy, archived=archived)
        elif isinstance(body, Receipt):
            after = reports.receipted(incident, body, now, policy)
        else:
            after = reports.summarized(incident, body, now, policy)
        self._save(tx, key, incident, after)

    def _find(self, tx: Tx, incident_id: str) -> tuple[str, Incident | None]:
        """The key and record of an incident: the current one of its fingerprint, or an archived one."""
        fingerprint = incident_id.split("-", 1)[0]
        current = _incident(tx.get(fingerprint))
        if current is not None and current.id == incident_id:
            return fingerprint, current
        return incident_id, _incident(tx.get(incident_id))

    def _peek(self, tx: Tx, incident_id: str) -> tuple[str, Incident | None]:
        """As `_find`, for an incident that can be done without."""
        try:
            return self._find(tx, incident_id)
        except SetAside:
            return incident_id, None

    # Writing

    def _save(self, tx: Tx, key: str, before: Incident | None, after: Incident) -> None:
        if after is before:
            return
        after = self._recounted(tx, after)
        after = fallback.watched(after, tx.now, self.policy)
        count_changes(tx, before, after)
        self._say_what_it_means(tx, before, after)
        due = self._next_due(tx, after)
        tx.put(key, after, due=due, order=_order(key, after))
        if before is None or after.revision != before.revision:
            self._changed[key] = None

    def _say_what_it_means(self, tx: Tx, before: Incident | None, after: Incident) -> None:
        """Tell linked incidents of a resolution, or of a link that was undone."""
        if before is None:
            return
        resolved = after.status is Status.RESOLVED and before.status is not Status.RESOLVED
        if resolved and after.symptoms:
            self._say(tx, linking.released(after))
        if after.unlinked != before.unlinked:
            gone = {link.fingerprint for link in after.links}
            links = [link for link in before.links if link.fingerprint not in gone]
            self._say(tx, [linking.unlinking(after, link) for link in links])

    def _next_due(self, tx: Tx, incident: Incident) -> float | None:
        return timers.next_due(incident, tx.now, self.policy)

    def _clock(self, tx: Tx) -> QuietClock:
        known = self._clocks.get(tx.partition)
        # Read again from an earlier offset, the partition repeats its reports.
        if known is None or tx.offset < known[0]:
            known = (tx.offset, QuietClock(self._inputs))
        self._clocks[tx.partition] = (tx.offset, known[1])
        return known[1]


def _order(key: str, incident: Incident) -> int:
    """The rank of an incident among a batch's writes.

    An archived episode goes before its successor, whatever else changes it in the batch: a crash in
    between must not lose the episode's counts.
    """
    return storm.FIRST if key == incident.id else storm.order_of(incident)


def _incident(record: Record | None) -> Incident | None:
    return record if isinstance(record, Incident) else None


def _counted(record: Record | None) -> Counted:
    return record if isinstance(record, Counted) else _NOTHING_COUNTED


def _guard(record: Record | None) -> Guard:
    return record if isinstance(record, Guard) else _NO_GUARD
