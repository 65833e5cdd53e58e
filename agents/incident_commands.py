"""Commands that are about several incidents or alerts: merge, split, move, unlink, delete."""

from __future__ import annotations

from agents.incident_pages import IncidentPages
from agents.incident_rows import IncidentRows
from tables.incidents import COLLECTIVE, Pointer
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents import commands, linking, merging, outbreaks
from ticketing.domain.incidents.incident import Incident, IncidentAlert, Kind, Status
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.incidents.lifecycle import published
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE
from ticketing.domain.records import replace

NONE_SHOWN = "it would leave no alert that it shows"


class IncidentCommands:
    """Applies commands to the incidents of a partition."""

    def __init__(self, rows: IncidentRows) -> None:
        self._rows = rows
        self._pages = IncidentPages(rows)

    def apply(self, command: Command) -> None:
        """Apply a command. One for a merged incident goes to the one that has its alerts.

        An incident of a tenant that is not the sender's does not exist for the command.
        """
        rows = self._rows
        if command.action is Action.DELETE:
            found = rows.find(command.incident_id)
            if found is not None and command.sees(found.tenant):
                self._delete(found)
            return
        incident = rows.follow(command.incident_id)
        if incident is None or not command.sees(incident.tenant):
            return
        if commands.is_known(incident, command):
            return
        several = {
            Action.REOPEN: self._reopen,
            Action.MERGE: self._merge,
            Action.SPLIT: self._split,
            Action.MOVE: self._move,
            Action.UNLINK: self._unlink,
        }
        apply = several.get(command.action)
        if apply is None:
            after = commands.commanded(incident, command, rows.now, rows.policy)
            self._save(incident, after)
            return
        reason = commands.refusal(incident, command, rows.policy) or apply(incident, command)
        if reason:
            after = commands.answered(incident, command, reason, rows.now, rows.policy)
            rows.save(incident, after)

    def _reopen(self, incident: Incident, command: Command) -> str:
        """Reopen, unless all alerts go on in later incidents."""
        rows = self._rows
        homes = [
            rows.follow(row.incident_id)
            for part in incident.alerts
            if (row := rows.alert(part.fingerprint)) is not None
        ]
        if homes and all(home is not None and home.id != incident.id for home in homes):
            later = next(home.id for home in homes if home is not None)
            return f"its fault goes on in {later}"
        self._save(incident, commands.commanded(incident, command, rows.now, rows.policy))
        return ""

    def _merge(self, incident: Incident, command: Command) -> str:
        """Merge with the target; returns the reason of a refusal."""
        rows, now, policy = self._rows, self._rows.now, self._rows.policy
        target = rows.follow(command.target)
        if target is not None and not command.sees(target.tenant):
            target = None
        reason = _unfit(incident, target)
        if target is None or reason:
            return reason
        kept, gone = merging.merge(incident, target, now, policy, command.by, command.note)
        before = target if kept.id == target.id else incident
        other = incident if kept.id == target.id else target
        self._decide(together=(before.alerts, other.alerts))
        self._decide_for_hidden(before, other.alerts, joins=True)
        self._decide_for_hidden(other, before.alerts, joins=True)
        rows.rehome(kept.alerts, (before.id, other.id), kept.id)
        self._save(before, self._answered(kept, command))
        rows.save(other, gone)
        return ""

    def _split(self, incident: Incident, command: Command) -> str:
        rows, now, policy = self._rows, self._rows.now, self._rows.policy
        found = self._rows_of(incident, command)
        if isinstance(found, str):
            return found
        if len(found) >= incident.alerts_total:
            return "it would leave no alert"
        id = rows.new_id(incident.scope, f"split:{command.id}")
        after, made = merging.split(incident, found, id, now, policy, command.by)
        if not after.alerts:
            return NONE_SHOWN
        taken = [row.alert for row in found]
        self._decide(apart=(after.alerts, taken))
        self._decide_for_hidden(incident, taken, joins=False)
        rows.rehome(_shown(found, made), (incident.id,), id)
        if policy.group_by == GROUP_BY_CAUSE:
            state = rows.scope(incident.scope)
            state = outbreaks.begun(state, id, made.service, made.first_seen, now)
            rows.put_scope(incident.scope, state)
        self._save(incident, self._answered(after, command))
        self._save(None, made)
        return ""

    def _move(self, incident: Incident, command: Command) -> str:
        rows, now, policy = self._rows, self._rows.now, self._rows.policy
        target = rows.follow(command.target)
        if target is not None and not command.sees(target.tenant):
            target = None
        reason = _unfit(incident, target)
        if target is None or reason:
            return reason
        found = self._rows_of(incident, command)
        if isinstance(found, str):
            return found
        after, kept = merging.move(incident, target, found, now, policy, command.by)
        if after.alerts_total and not after.alerts:
            return NONE_SHOWN
        taken = [row.alert for row in found]
        self._decide(together=(target.alerts, taken), apart=(after.alerts, taken))
        self._decide_for_hidden(incident, taken, joins=False)
        self._decide_for_hidden(target, taken, joins=True)
        rows.rehome(_shown(found, kept), (incident.id,), target.id)
        if after.status is Status.RESOLVED:
            kept = self._answered(kept, command)
        self._save(target, kept)
        rows.save(incident, self._answered(after, command))
        return ""

    def _unlink(self, incident: Incident, command: Command) -> str:
        rows, now, policy = self._rows, self._rows.now, self._rows.policy
        after = incident
        for id in command.to:
            after = linking.unlinked_from(after, id, now, policy)
            other = rows.peek(id)
            if other is not None:
                apart = linking.unlinked_from(other, incident.id, now, policy)
                rows.save(other, apart if apart is other else published(apart, now))
        rows.save(incident, self._answered(after, command))
        return ""

    def _delete(self, incident: Incident) -> None:
        """Forget an incident and the latest merged into it, and its texts in linked and listing ones.

        What is left of its alerts says up to where they are counted, here and with their counters;
        those that another one took are found there as before.
        """
        rows = self._rows
        own = rows.of_incident(incident)
        rows.forget_alerts(incident, own)
        for row in own:
            bare = replace(row.alert, service="", title="", sample=None, reason="")
            rows.put_alert(replace(row, incident_id="", alert=bare))
        for link in incident.links:
            other = rows.peek(link.id)
            if other is not None:
                links = [one for one in other.links if one.id != incident.id]
                rows.save(other, published(replace(other, links=links), rows.now))
        pointer = rows.tx.peek(COLLECTIVE)
        known = pointer.incident_id if isinstance(pointer, Pointer) else ""
        for collective in map(rows.peek, dict.fromkeys([known, incident.collective_id])):
            if collective is None or all(one.id != incident.id for one in collective.lists):
                continue
            lists = [one for one in collective.lists if one.id != incident.id]
            rows.save(collective, published(replace(collective, lists=lists), rows.now))
        home = rows.follow(incident.merged_into)
        rows.forget(incident.id)
        if home is not None:
            rows.point(incident.id, home.id)
        for id in incident.merged:
            merged = rows.peek(id)
            if merged is not None:
                self._delete(merged)

    # Parts

    def _rows_of(self, incident: Incident, command: Command) -> list[AlertRow] | str:
        """The rows of the alerts that a command names, or the reason why it is refused."""
        found = []
        for fingerprint in dict.fromkeys(command.alerts):
            row = self._rows.alert(fingerprint)
            owner = self._rows.follow(row.incident_id) if row is not None else None
            if row is None or owner is None or owner.id != incident.id:
                return f"it has no alert {fingerprint}"
            found.append(row)
        return found or "the command names no alert"

    def _decide(
        self,
        together: tuple[list[IncidentAlert], list[IncidentAlert]] | None = None,
        apart: tuple[list[IncidentAlert], list[IncidentAlert]] | None = None,
    ) -> None:
        """Keep a person's decision with every alert that it is about."""
        for pairs, joins in ((together, True), (apart, False)):
            for some, others in (pairs, pairs[::-1]) if pairs else ():
                self._note(some, others, joins)

    def _decide_for_hidden(
        self, incident: Incident, others: list[IncidentAlert], *, joins: bool
    ) -> None:
        """Keep a decision with the alerts of an incident that it does not show."""
        if incident.alerts_total <= len(incident.alerts):
            return
        known = {part.fingerprint for part in (*incident.alerts, *others)}
        parts = [row.alert for row in self._rows.of_incident(incident)]
        hidden = [part for part in parts if part.fingerprint not in known]
        self._note(hidden, others, joins)

    def _note(self, some: list[IncidentAlert], others: list[IncidentAlert], joins: bool) -> None:
        names = [one.fingerprint for one in others]
        for part in some:
            row = self._rows.alert(part.fingerprint)
            if row is not None:
                self._rows.put_alert(_decided(row, names, joins, self._rows.policy.pairs_kept))

    def _answered(self, incident: Incident, command: Command) -> Incident:
        return commands.answered(incident, command, "", self._rows.now, self._rows.policy)

    def _save(self, before: Incident | None, after: Incident) -> None:
        self._rows.save(before, self._pages.admitted(before, after))


def _shown(rows: list[AlertRow], incident: Incident) -> list[IncidentAlert]:
    """The alerts of rows as an incident shows them, those that it does not show as they are."""
    shown = {part.fingerprint: part for part in incident.alerts}
    return [shown.get(row.alert.fingerprint, row.alert) for row in rows]


def _unfit(incident: Incident, target: Incident | None) -> str:
    if target is None:
        return "the other incident is not in the same scope"
    if target.id == incident.id:
        return "both are the same incident"
    if target.scope != incident.scope:
        return "the other incident is not in the same scope"
    if target.status is Status.RESOLVED:
        return "the other incident is resolved"
    if Kind.COLLECTIVE in (incident.kind, target.kind):
        return "a collective incident has no alerts"
    return ""


def _decided(row: AlertRow, names: list[str], joins: bool, kept: int) -> AlertRow:
    gone = {row.alert.fingerprint}
    names = [name for name in names if name not in gone]
    together = [one for one in row.together if one not in names]
    apart = [one for one in row.apart if one not in names]
    if joins:
        together = [*together, *names][-kept:]
    else:
        apart = [*apart, *names][-kept:]
    return replace(row, together=together, apart=apart)
