"""The rows of one partition in a transaction: incidents and alerts, found, followed and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from agents.incident_counters import count_changes
from tables.incidents import Pointer, Record, alert_key, scope_key
from ticketing.domain.alerts.fingerprint import partition_of
from ticketing.domain.incidents import fallback, merging, outbreaks, timers
from ticketing.domain.incidents.incident import Incident, IncidentAlert, Status
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.incidents.outbreaks import ScopeState
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.verdicts import takes_part
from ticketing.domain.records import replace
from ticketing.domain.scope import incident_id
from ticketing.domain.signals import Forget
from ticketing.engine.guarded import SetAside
from ticketing.engine.statemachine import Transaction
from ticketing.wire import topics
from ticketing.wire.signals import SignalBody, encode_signals

CHAIN_MAX = 50
"""Merges of merges: more than people make; a circle of ids ends here."""
ALERTS_MAX = 800
"""Alerts of an incident that one command finds: the rows of two incidents, of 4 kB each at most, must
fit one batch of the changelog."""
LOOK_SECONDS = 86400.0
"""A day: alerts and pointers whose incident is gone may stay so long."""

Tx: TypeAlias = Transaction[Record]

_NO_STATE = ScopeState()


@dataclass
class Changes:
    """The incidents that a batch changed, for one publication each, and the ids that it gave away."""

    published: dict[str, None] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    urgent: bool = False
    """True if a page begins or ends."""


class IncidentRows:
    """The rows that a message or a due time is about, and their writes."""

    def __init__(
        self,
        tx: Tx,
        policy: Policy,
        quiet: float | None,
        changes: Changes,
        topic_id: str,
        partitions: int,
    ) -> None:
        """`quiet` is the quiet clock, `topic_id` Kafka's id of ticketing-events.

        `partitions` is the number of partitions of the events, and of the signals.
        """
        self.tx = tx
        self.policy = policy
        self.quiet = quiet
        self.now = tx.now
        self._changes = changes
        self._topic_id = topic_id
        self._partitions = partitions

    def find(self, id: str) -> Incident | None:
        """An incident by its id; raises SetAside for a row that can't be read."""
        found = self.tx.get(id)
        return found if isinstance(found, Incident) else None

    def peek(self, id: str) -> Incident | None:
        """As `find`, for an incident that can be done without."""
        try:
            return self.find(id) if id else None
        except SetAside:
            return None

    def follow(self, id: str) -> Incident | None:
        """The incident that has the alerts of another one now: the same, unless they were taken."""
        found = None
        for _ in range(CHAIN_MAX):
            record = self.tx.get(id) if id else None
            if isinstance(record, Incident):
                found, id = record, record.merged_into
            elif isinstance(record, Pointer):
                id = record.incident_id
            else:
                return found
        return found

    def running(self, id: str) -> Incident | None:
        """The open incident that has the alerts of another one now, if evidence may change it."""
        try:
            found = self.follow(id)
        except SetAside:
            return None
        return found if found is not None and takes_part(found) else None

    def alert(self, fingerprint: str) -> AlertRow | None:
        """The row of an alert; raises SetAside."""
        found = self.tx.get(alert_key(fingerprint))
        return found if isinstance(found, AlertRow) else None

    def homes(self, fingerprints: Iterable[str]) -> dict[str, str]:
        """The ids of the incidents that alerts are in now, shown there or not, by fingerprint."""
        found: dict[str, str] = {}
        for fingerprint in fingerprints:
            row = self.tx.peek(alert_key(fingerprint))
            try:
                home = self.follow(row.incident_id) if isinstance(row, AlertRow) else None
            except SetAside:
                continue
            if home is not None:
                found[fingerprint] = home.id
        return found

    def pointed(self, key: str) -> Incident | None:
        """The open incident of a pointer."""
        pointer = self.tx.peek(key)
        found = self.peek(pointer.incident_id) if isinstance(pointer, Pointer) else None
        return found if found is not None and found.status is not Status.RESOLVED else None

    def new_id(self, scope: str, name: str) -> str:
        """An id that no incident has had; `name` tells the incidents of one message apart."""
        tx = self.tx
        known = self._changes.given
        made = incident_id(scope, self._topic_id, tx.partition, tx.offset, name)
        again = 1
        while made in known or self.peek(made) is not None:
            again += 1
            again_name = f"{name}#{again}"
            made = incident_id(scope, self._topic_id, tx.partition, tx.offset, again_name)
        known.add(made)
        return made

    def save(self, before: Incident | None, after: Incident) -> None:
        """Write an incident, and publish it at the end of the batch if its revision rose."""
        if after is before:
            return
        after = fallback.watched(after, self.now, self.policy)
        count_changes(self.tx, before, after)
        self.put(after)
        if before is None or after.revision != before.revision:
            self._changes.published[after.id] = None
            self._changes.urgent = self._changes.urgent or _rings(before, after)
        if after.merged and not after.merged_into and _may_release(before, after):
            self._release(after)

    def _release(self, holder: Incident) -> None:
        """Let tickets of merged incidents close, along the chain, that wait for one of the holder's."""
        ids = list(holder.merged)
        for id in ids:
            gone = self.peek(id)
            if gone is not None:
                self.save(gone, merging.released(gone, holder, self.now))
                ids += [one for one in gone.merged if one not in ids]

    def put(self, incident: Incident) -> None:
        """Write an incident with the time of its next look."""
        due = timers.next_due(incident, self.now, self.quiet, self.policy)
        self.tx.put(incident.id, incident, due=due)

    def forget(self, id: str) -> None:
        """Delete an incident, and its publication."""
        self.tx.delete(id)
        self._changes.published.pop(id, None)
        self.tx.send(topics.INCIDENTS, id, None, stored=True)

    def of_incident(self, incident: Incident) -> list[AlertRow]:
        """The rows of an incident's alerts, shown there or not: all of them, up to `ALERTS_MAX`."""
        rows = [row for part in incident.alerts if (row := self.alert(part.fingerprint))]
        rows = [row for row in rows if row.incident_id == incident.id]
        if incident.alerts_total <= len(incident.alerts):
            return rows
        keys = {alert_key(part.fingerprint) for part in incident.alerts}
        for key in self.tx.belonging(incident.id):
            record = self.tx.peek(key) if key not in keys else None
            keys.add(key)
            if isinstance(record, AlertRow) and record.incident_id == incident.id:
                rows.append(record)
            if len(rows) >= ALERTS_MAX:
                break
        return rows

    def forget_alerts(self, incident: Incident, rows: list[AlertRow]) -> None:
        """Let the counters of alerts forget the texts of an incident's alerts."""
        by_partition: dict[int, list[SignalBody]] = {}
        for row in rows:
            target = partition_of(incident.tenant, row.alert.service, self._partitions)
            one = Forget(fingerprint=row.alert.fingerprint)
            by_partition.setdefault(target, []).append(one)
        for target, bodies in by_partition.items():
            self.tx.send(topics.SIGNALS, None, encode_signals(bodies), target, stored=True)

    def put_alert(self, row: AlertRow) -> None:
        """Write the row of an alert."""
        self.tx.put(alert_key(row.alert.fingerprint), row, due=self.now + LOOK_SECONDS)

    def rehome(self, alerts: list[IncidentAlert], sources: tuple[str, ...], target: str) -> None:
        """Let the rows of alerts name their new incident, and be as they are there."""
        for part in alerts:
            row = self.alert(part.fingerprint)
            home = self.follow(row.incident_id) if row is not None else None
            if row is not None and home is not None and home.id in sources:
                self.put_alert(replace(row, incident_id=target, alert=part))

    def scope(self, scope: str) -> ScopeState:
        """The memory of a scope; an empty one if there is none, or none that can be read."""
        found = self.tx.peek(scope_key(scope))
        return found if isinstance(found, ScopeState) else _NO_STATE

    def put_scope(self, scope: str, state: ScopeState) -> None:
        """Write the memory of a scope. One that can't be read stays as it is, and remembers nothing."""
        key = scope_key(scope)
        if not self.tx.is_set_aside(key):
            self.tx.put(key, state, due=max(outbreaks.idle_at(state), self.now))

    def point(self, key: str, id: str) -> None:
        """Let a pointer lead to an incident."""
        self.tx.put(key, Pointer(incident_id=id), due=self.now + LOOK_SECONDS)


def _rings(before: Incident | None, after: Incident) -> bool:
    """True if platforms are to page, or to stop paging."""
    if before is None:
        return after.ticketed
    known = (before.ticketed, before.page, before.status, before.severity)
    return known != (after.ticketed, after.page, after.status, after.severity)


def _may_release(before: Incident | None, after: Incident) -> bool:
    if before is None:
        return True
    known = (before.status, before.tickets, before.merged)
    return known != (after.status, after.tickets, after.merged)
