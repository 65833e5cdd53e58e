"""The writer of incidents: folds events into the table `incidents` and publishes what changed.

The rules are in ticketing.domain.incidents; this module applies them in a transaction. One writer
sees all incidents of a scope. A batch publishes each changed incident once, in its last state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from agents.incident_commands import IncidentCommands
from agents.incident_counters import EventCounter
from agents.incident_pages import IncidentPages
from agents.incident_rows import Changes, IncidentRows, Tx
from agents.incident_verdicts import IncidentVerdicts
from tables.incidents import (
    Pointer,
    Record,
    alert_key,
    decode,
    encode,
    is_open,
    is_stored_open,
    row_of_published,
    service_key,
)
from ticketing import metrics
from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.alerts.quiet_clock import QuietClock
from ticketing.domain.events import Command, Correlation, Receipt, Summary, Verdict
from ticketing.domain.incidents import (
    ceilings,
    grouping,
    joining,
    lifecycle,
    linking,
    naming,
    nearness,
    outbreaks,
    reports,
    timers,
)
from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.incidents.joining import AlertRow, Origin
from ticketing.domain.incidents.outbreaks import ScopeState
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.scope import BY_TENANT, ScopeBy, partition_of_scope, scope_of
from ticketing.domain.signals import Progress
from ticketing.engine import path_reporter
from ticketing.engine.guarded import UNDECODABLE, Failure
from ticketing.engine.statemachine import Machine
from ticketing.wire import events, topics
from ticketing.wire.events import EventBody
from ticketing.wire.incidents import encode_incident


class IncidentMachine(Machine[Record]):
    """One writer for all incidents of a partition of ticketing-events."""

    latest_only = frozenset({topics.INCIDENTS})

    def __init__(
        self,
        policy: Policy,
        *,
        partitions: int,
        topic_id: str = topics.EVENTS,
        sources: Iterable[str] = (topics.SIGNALS,),
        reported: Callable[[Progress], None] | None = None,
        hurry: Callable[[], None] | None = None,
    ) -> None:
        """`partitions` is the number of partitions of the events, `topic_id` Kafka's id of the topic.

        `sources` are the topics whose progress the quiet clock waits for. `reported` gets each
        report of progress in the partition of the path (see ticketing.engine.path_reporter). `hurry`
        is called once a publication is durable that may page or end a page.
        """
        self.policy = policy
        self._hurry = hurry
        self._partitions = partitions
        self._topic_id = topic_id
        self._sources = frozenset(sources)
        self._reported = reported
        self._clocks: dict[int, tuple[int, QuietClock]] = {}
        self._changes = Changes()
        self._events = EventCounter()
        self._encoded: dict[str, tuple[Incident, bytes]] = {}
        """The incidents that the batch publishes: their rows have the same text."""

    def encode(self, state: Record) -> bytes:
        """The record as the table keeps it."""
        if isinstance(state, Incident):
            published, value = self._encoded.get(state.id, (None, b""))
            if published is state:
                return row_of_published(value)
        return encode(state)

    def decode(self, value: bytes) -> Record:
        """The reverse of `encode`."""
        return decode(value)

    def stepped(self, state: Record, by: float) -> Record:
        """A record with its waits as long as before a step of the partition's clock."""
        if isinstance(state, Incident):
            return timers.shifted(state, by)
        if isinstance(state, AlertRow):
            return joining.shifted(state, by)
        if isinstance(state, ScopeState):
            return outbreaks.shifted(state, by)
        return ceilings.shifted(state, by) if isinstance(state, Guard) else state

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
        self._changes = Changes()
        self._encoded.clear()

    def end_batch(self, tx: Tx) -> None:
        """Publish every changed incident in its last state."""
        self._events.count_in(tx)
        for id in self._changes.published:
            outcome = tx.attempt(partial(self._publish, tx, id))
            if isinstance(outcome, Failure):
                tx.fails(id, "publish", outcome)
        if self._hurry is not None and self._changes.urgent:
            tx.after(self._hurry)

    def _publish(self, tx: Tx, id: str) -> None:
        record = tx.get(id)
        if isinstance(record, Incident):
            value = encode_incident(record)
            self._encoded[id] = record, value
            tx.send(topics.INCIDENTS, id, value)

    def recover(self, tx: Tx, key: str, state: Record) -> None:
        """Publish an incident again that a lost process may have written and not sent."""
        if isinstance(state, Incident):
            tx.send(topics.INCIDENTS, state.id, encode_incident(state))

    def apply(self, tx: Tx, value: bytes) -> None:
        """Fold one message; an event that fails becomes a dead letter alone."""
        packed = events.read_events(value)
        refused = {place: Failure(UNDECODABLE, why) for place, why in packed.unreadable}
        for place, body in packed.bodies:
            outcome = tx.attempt(partial(self._apply_one, tx, body))
            if isinstance(outcome, Failure):
                refused[place] = outcome
        for place, failure in sorted(refused.items()):
            tx.refuse(packed.alone(place), failure)
        # Last: the events of a message that fails were not handled.
        self._events.note(body for place, body in packed.bodies if place not in refused)

    def _apply_one(self, tx: Tx, body: EventBody) -> None:
        if isinstance(body, Alert):
            self._alert(self._rows(tx), body)
        elif isinstance(body, Progress):
            self._progress(tx, body)
        elif isinstance(body, Command):
            IncidentCommands(self._rows(tx)).apply(body)
        elif isinstance(body, Receipt):
            self._receipt(self._rows(tx), body)
        elif isinstance(body, Correlation):
            self._correlated(self._rows(tx), body)
        elif isinstance(body, Verdict):
            IncidentVerdicts(self._rows(tx)).apply(body)
        elif isinstance(body, Summary):
            self._summarized(self._rows(tx), body)

    def due(self, tx: Tx, key: str, state: Record) -> None:
        """Do what is due: publish, ticket, escalate, resolve, forget."""
        rows = self._rows(tx)
        if isinstance(state, Incident):
            self._incident_due(rows, state)
        elif isinstance(state, AlertRow):
            self._alert_due(rows, key, state)
        elif isinstance(state, Guard):
            at = ceilings.idle_at(state, tx.now, self.policy)
            if at <= tx.now:
                tx.delete(key)
            else:
                tx.put(key, state, due=at)
        elif isinstance(state, ScopeState):
            at = outbreaks.idle_at(state)
            if at <= tx.now:
                tx.delete(key)
            else:
                tx.put(key, state, due=tx.cut(at, outbreaks.IDLE_SECONDS))
        elif isinstance(state, Pointer):
            if rows.follow(state.incident_id) is None:
                tx.delete(key)
            else:
                rows.point(key, state.incident_id)

    def _incident_due(self, rows: IncidentRows, incident: Incident) -> None:
        if timers.expired(incident, rows.quiet, self.policy) and not self._is_needed(
            rows, incident
        ):
            self._forget(rows, incident)
            return
        after = timers.elapsed(incident, rows.now, rows.quiet, self.policy)
        after = IncidentPages(rows).admitted(incident, after)
        if after is incident:
            rows.put(incident)
        else:
            rows.save(incident, after)

    @staticmethod
    def _is_needed(rows: IncidentRows, incident: Incident) -> bool:
        """True for a merged incident through which alerts are still found."""
        return is_open(rows.follow(incident.merged_into))

    def _forget(self, rows: IncidentRows, incident: Incident) -> None:
        for part in incident.alerts:
            row = rows.tx.peek(alert_key(part.fingerprint))
            if isinstance(row, AlertRow) and row.incident_id == incident.id:
                rows.tx.delete(alert_key(part.fingerprint))
        rows.forget(incident.id)

    def _alert_due(self, rows: IncidentRows, key: str, row: AlertRow) -> None:
        """Count an alert as quiet that nothing was heard of, and forget one without an incident."""
        incident = rows.follow(row.incident_id) if row.incident_id else None
        if incident is None:
            rows.tx.delete(key)
            return
        firing = row.alert.state.nearest is not AlertState.QUIET
        silent_at = row.heard_at + self.policy.unheard_seconds
        if firing and rows.quiet is not None and rows.quiet >= silent_at:
            after, row = joining.unheard(incident, row, rows.now, self.policy)
            rows.save(incident, after)
        rows.put_alert(row)

    # Alerts

    def _alert(self, rows: IncidentRows, alert: Alert) -> None:
        row = rows.alert(alert.fingerprint)
        if row is not None and not joining.is_later(alert, row.alert):
            return
        own = rows.follow(row.incident_id) if row is not None and row.incident_id else None
        scope = self._scope(rows.tx, alert)
        # A person's decisions, in their order.
        together = dict.fromkeys(rows.homes(row.together).values()) if row is not None else {}
        candidates = self._candidates(rows, scope, alert, row, together)
        found = grouping.place(
            alert, row, own, candidates, rows.now, self.policy, together=together
        )
        known = found.incident
        elsewhere = row is not None and (own is None or known is None or known.id != own.id)
        if own is not None and row is not None and elsewhere:
            rows.save(own, joining.left(own, row.alert, rows.now))
        part = joining.state_of(
            alert,
            row,
            _origin(alert, found.reason or "it began with this alert"),
            elsewhere=elsewhere,
            behind=joining.left_behind(known, alert.fingerprint),
        )
        if known is None:
            previous = own.id if own is not None else ""
            id = rows.new_id(scope, alert.fingerprint)
            base = lifecycle.opened(
                alert, rows.now, self.policy, id=id, scope=scope, previous=previous
            )
            base = self._named(rows, base, alert)
        elif known.status is Status.RESOLVED and not found.late:
            base = lifecycle.fired_again(known, _fired_at(alert, row), rows.now, self.policy)
        else:
            base = known
        if found.late:
            after = joining.with_state(
                base, alert, row, part, rows.now, self.policy, elsewhere=elsewhere
            )
            after = lifecycle.counted(after, rows.now, self.policy)
        else:
            after = joining.joined(
                base, alert, row, part, rows.now, self.policy, elsewhere=elsewhere
            )
            after = IncidentPages(rows).admitted(known, after)
        rows.save(known, after)
        rows.put_alert(joining.row_of(alert, row, after.id, part, rows.now, self.policy))
        if grouping.joins_service(alert, self.policy) and not found.late:
            self._point_service(rows, scope, alert.service, after.id)
        if grouping.joins_cause(alert, self.policy) and not found.late:
            self._began(rows, scope, alert, known, own, after)

    def _named(self, rows: IncidentRows, opened: Incident, alert: Alert) -> Incident:
        """A new incident with the cause by which the last verdict explains its alert."""
        if not grouping.joins_cause(alert, self.policy):
            return opened
        state = rows.scope(opened.scope)
        cause = nearness.explanation(alert.fingerprint, state, rows.now)
        if cause is None:
            return opened
        state = outbreaks.begun(state, opened.id, alert.service, alert.first_seen, rows.now)
        state = outbreaks.caused(state, opened.id, cause.service, state.at, rows.now)
        rows.put_scope(opened.scope, state)
        return naming.named(opened, cause, state.at, rows.now, self.policy)

    def _began(
        self,
        rows: IncidentRows,
        scope: str,
        alert: Alert,
        known: Incident | None,
        own: Incident | None,
        after: Incident,
    ) -> None:
        """Remember an alert that opened, reopened or joined an incident, for those that follow."""
        if known is not None and own is not None and known.id == own.id:
            if known.status is not Status.RESOLVED:
                return
            state = outbreaks.again(rows.scope(scope), after.id, alert.first_seen, rows.now)
        else:
            state = rows.scope(scope)
            if known is not None and state.outbreak(known.id) is None:
                # An old incident, which a person's decision leads to, is no outbreak of now.
                return
        state = outbreaks.begun(
            state,
            after.id,
            alert.service,
            alert.first_seen,
            rows.now,
            fingerprint=alert.fingerprint,
            names=nearness.named_by(alert, state),
        )
        rows.put_scope(scope, state)

    def _point_service(self, rows: IncidentRows, scope: str, service: str, id: str) -> None:
        """Let the service's pointer lead to an incident, unless it leads to an open one."""
        key = service_key(scope, service)
        if rows.pointed(key) is None and not rows.tx.is_set_aside(key):
            rows.point(key, id)

    def _candidates(
        self,
        rows: IncidentRows,
        scope: str,
        alert: Alert,
        row: AlertRow | None,
        together: Iterable[str],
    ) -> Iterator[tuple[Incident, str]]:
        """The open incidents that take an alert, with the reasons; first those of a person."""
        for id in together:
            found = rows.peek(id)
            if found is not None and is_open(found) and found.scope == scope:
                yield found, "as a person has decided before"
        apart = set(rows.homes(row.apart).values()) if row is not None else set()
        if grouping.joins_cause(alert, self.policy):
            for near in nearness.near(alert, rows.scope(scope), rows.now):
                found = rows.running(near.incident_id)
                if found is None or (found.sporadic and not near.sure):
                    continue
                if found.scope == scope and found.id not in apart:
                    yield found, near.reason
        if grouping.joins_service(alert, self.policy):
            found = rows.pointed(service_key(scope, alert.service))
            if found is not None and found.id not in apart:
                yield found, "of the same service"

    def _scope(self, tx: Tx, alert: Alert) -> str:
        """The scope of an alert; of one that names none, the scope that sent it here."""
        if alert.scope:
            return alert.scope
        own = scope_of(alert.tenant, alert.environment, self.policy.scope_by)
        if partition_of_scope(own, self._partitions) == tx.partition:
            return own
        others: tuple[ScopeBy, ...] = ("environment", BY_TENANT)
        for by in others:
            scope = scope_of(alert.tenant, alert.environment, by)
            if partition_of_scope(scope, self._partitions) == tx.partition:
                return scope
        return own

    # Reports

    def _receipt(self, rows: IncidentRows, receipt: Receipt) -> None:
        """Note a platform's ticket."""
        incident = rows.find(receipt.incident_id)
        if incident is not None:
            rows.save(incident, reports.receipted(incident, receipt, rows.now, self.policy))

    def _summarized(self, rows: IncidentRows, summary: Summary) -> None:
        incident = rows.find(summary.incident_id)
        if incident is not None:
            after = reports.summarized(incident, summary, rows.now, self.policy)
            rows.save(incident, IncidentPages(rows).admitted(incident, after))

    def _correlated(self, rows: IncidentRows, body: Correlation) -> None:
        """Add findings to the alert's incident, and link it with those of its peers."""
        row = rows.alert(body.fingerprint)
        incident = rows.follow(row.incident_id) if row is not None and row.incident_id else None
        if incident is None:
            return
        after = reports.correlated(incident, body.findings, rows.now, self.policy)
        for peer in body.findings.peers:
            row = rows.alert(peer.fingerprint)
            other = rows.follow(row.incident_id) if row is not None and row.incident_id else None
            if other is None or other.id == incident.id or other.scope != incident.scope:
                continue
            after = linking.linked(after, other, peer, rows.now)
            if incident.fingerprint not in other.unlinked:
                back = linking.opposite(peer, incident)
                rows.save(other, linking.linked(other, incident, back, rows.now))
        rows.save(incident, IncidentPages(rows).admitted(incident, after))

    # Clock

    def _progress(self, tx: Tx, body: Progress) -> None:
        self._clock(tx).report(body, tx.now)
        if self._reported is not None and tx.partition == path_reporter.PARTITION:
            tx.after(partial(self._reported, body))

    def _clock(self, tx: Tx) -> QuietClock:
        known = self._clocks.get(tx.partition)
        # Read again from an earlier offset, the partition repeats its reports.
        if known is None or tx.offset < known[0]:
            known = (tx.offset, QuietClock(self._sources))
        self._clocks[tx.partition] = (tx.offset, known[1])
        return known[1]

    def _rows(self, tx: Tx) -> IncidentRows:
        quiet = self._clock(tx).now(tx.now)
        return IncidentRows(tx, self.policy, quiet, self._changes, self._topic_id, self._partitions)


def _origin(alert: Alert, reason: str) -> Origin:
    """The first record of an alert, as its samples show it."""
    first = alert.samples[0] if alert.samples else None
    if first is None:
        return Origin(reason=reason)
    return Origin(reason=reason, topic=first.topic, partition=first.partition, offset=first.offset)


def _fired_at(alert: Alert, row: AlertRow | None) -> float:
    """The arrival of the record that brought a fault back."""
    same = row is not None and joining.is_same_episode(alert, row.alert)
    return alert.last_arrived_at if same else alert.arrived_at
