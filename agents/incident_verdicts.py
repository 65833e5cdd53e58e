"""Applies verdicts of evidence to the incidents of a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agents.incident_pages import IncidentPages
from agents.incident_rows import IncidentRows
from ticketing.domain.alerts.alert import AlertState
from ticketing.domain.events import Verdict
from ticketing.domain.incidents import naming, outbreaks, regrouping, verdicts
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.incidents.outbreaks import ScopeState
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE
from ticketing.domain.incidents.verdicts import Member, Merge, Move, Name, Open
from ticketing.domain.records import replace
from ticketing.engine.guarded import SetAside


class IncidentVerdicts:
    """Takes the steps of one verdict, each of them on the incidents as they then are."""

    def __init__(self, rows: IncidentRows) -> None:
        self._rows = rows
        self._pages = IncidentPages(rows)

    def apply(self, verdict: Verdict) -> None:
        """Apply a verdict. An older one, and alerts that are not known, change nothing."""
        rows = self._rows
        if rows.policy.group_by != GROUP_BY_CAUSE:
            return
        state = rows.scope(verdict.scope)
        if not outbreaks.is_news(verdict, state, rows.now):
            return
        incidents: dict[str, Incident] = {}
        state = outbreaks.settled(state, lambda id: self._home(id, verdict.scope, incidents))
        members = list(self._members(verdict, incidents))
        decided = {name for one in members for name in (*one.together, *one.apart)}
        decision = verdicts.decide(
            verdict, members, incidents, state, rows.now, rows.policy, homes=rows.homes(decided)
        )
        rows.put_scope(verdict.scope, decision.state)
        for number, step in enumerate(decision.steps):
            if isinstance(step, Merge):
                self._merge(step)
            elif isinstance(step, Move):
                self._move(step, verdict.at)
            elif isinstance(step, Open):
                self._open(step, verdict.at, f"fault {number}")
            else:
                self._name(step, verdict.at)
        for id in incidents:
            held = rows.running(id)
            if held is not None and held.sporadic:
                self._save(held, held)

    def _members(self, verdict: Verdict, incidents: dict[str, Incident]) -> Iterator[Member]:
        # An alert that is in the list twice would be moved, and counted, twice.
        alerts = {hung.fingerprint: hung for hung in reversed(verdict.alerts)}
        for hung in reversed(alerts.values()):
            row, home = self._alert(hung.fingerprint)
            if row is None or home is None or home.scope != verdict.scope:
                continue
            if verdicts.takes_part(home) and regrouping.fires(row):
                incidents[home.id] = home
                yield Member(
                    fingerprint=hung.fingerprint,
                    service=row.alert.service,
                    incident_id=home.id,
                    hung=hung,
                    together=frozenset(row.together),
                    apart=frozenset(row.apart),
                )

    def _alert(self, fingerprint: str) -> tuple[AlertRow | None, Incident | None]:
        """An alert and the incident that it is in, if both can be read."""
        try:
            row = self._rows.alert(fingerprint)
            return row, self._rows.follow(row.incident_id) if row is not None else None
        except SetAside:
            return None, None

    def _home(self, id: str, scope: str, incidents: dict[str, Incident]) -> str:
        """The id of the open incident that has the alerts of an incident; empty for none."""
        found = self._rows.running(id)
        if found is None or found.scope != scope:
            return ""
        incidents[found.id] = found
        return found.id

    # Steps

    def _merge(self, step: Merge) -> None:
        rows = self._rows
        one, other = rows.running(step.one), rows.running(step.other)
        if one is None or other is None or one.id == other.id:
            return
        kept, gone = regrouping.merged(one, other, rows.now, rows.policy, step.reason)
        before, lost = (one, other) if kept.id == one.id else (other, one)
        rows.rehome(kept.alerts, (before.id, lost.id), kept.id)
        self._note(kept.scope, lambda state: outbreaks.united(state, gone.id, kept.id, rows.now))
        self._save(before, kept)
        rows.save(lost, gone)

    def _move(self, step: Move, at: float) -> None:
        source, target = self._rows.running(step.source), self._rows.running(step.target)
        if source is not None and target is not None and source.id != target.id:
            found = self._rows_of(step.fingerprints, source)
            self._take(source, target, target, found, at, step.reason)

    def _open(self, step: Open, at: float, name: str) -> None:
        rows = self._rows
        id = ""
        for source_id, fingerprints in step.alerts.items():
            source = rows.running(source_id)
            found = self._rows_of(fingerprints, source) if source is not None else []
            if source is None or not found:
                continue
            known = rows.find(id) if id else None
            target = known
            if target is None:
                new_id = rows.new_id(source.scope, name)
                target = regrouping.opened(
                    source,
                    found,
                    new_id,
                    at,
                    rows.now,
                    rows.policy,
                    step.cause.service,
                    step.reason,
                )
            if known is None:
                self._began(target)
            if self._take(source, known, target, found, at, step.reason):
                id = target.id
        if id:
            self._name(Name(incident_id=id, cause=step.cause, sure=True), at)

    def _take(
        self,
        source: Incident,
        before: Incident | None,
        target: Incident,
        found: list[AlertRow],
        at: float,
        reason: str,
    ) -> bool:
        """Bring alerts of an incident to another one; `before` is that one as stored, if it is.

        Returns False where the incident would be left with alerts of which it shows none.
        """
        rows, now, policy = self._rows, self._rows.now, self._rows.policy
        whole = [row for row in found if regrouping.goes_whole(source, row, at)]
        rest = [regrouping.going_on(row, at, reason) for row in found if row not in whole]
        after, kept = source, target
        if whole:
            after, kept = regrouping.moved(after, kept, whole, now, policy, reason)
        if after.alerts_total and not after.alerts:
            return False
        if rest:
            after, kept = regrouping.continued(after, kept, rest, now, policy)
        shown = {part.fingerprint: part for part in kept.alerts}
        for row in [*whole, *rest]:
            part = shown.get(row.alert.fingerprint, row.alert)
            rows.put_alert(replace(row, incident_id=target.id, alert=part))
        left = {one.service for one in after.alerts if one.state.nearest is not AlertState.QUIET}
        services = {row.alert.service for row in found} - left
        self._note(
            source.scope,
            lambda state: outbreaks.parted(state, source.id, target.id, services, now),
        )
        self._save(before, kept)
        rows.save(source, after)
        return True

    def _name(self, step: Name, at: float) -> None:
        incident = self._rows.running(step.incident_id)
        if incident is None or (step.guessed and incident.cause is not None):
            return
        now, policy = self._rows.now, self._rows.policy
        id, cause = incident.id, step.cause.service
        after = naming.named(incident, step.cause, at, now, policy)
        if step.again:
            after = naming.broke_out_again(after, cause, now, policy)
        if step.sure:
            after = naming.released(after, now)
        if not step.guessed:
            self._note(incident.scope, lambda state: outbreaks.caused(state, id, cause, at, now))
        self._save(incident, after)

    # Parts

    def _began(self, made: Incident) -> None:
        id, service, at, now = made.id, made.service, made.first_seen, self._rows.now
        self._note(made.scope, lambda state: outbreaks.begun(state, id, service, at, now))

    def _rows_of(self, fingerprints: list[str], incident: Incident) -> list[AlertRow]:
        """The rows of those alerts that are still in an incident."""
        found = []
        for fingerprint in fingerprints:
            row, home = self._alert(fingerprint)
            if row is not None and home is not None and home.id == incident.id:
                found.append(row)
        return found

    def _note(self, scope: str, change: Callable[[ScopeState], ScopeState]) -> None:
        self._rows.put_scope(scope, change(self._rows.scope(scope)))

    def _save(self, before: Incident | None, after: Incident) -> None:
        self._rows.save(before, self._pages.admitted(before, after))
