"""The pages of a partition below its ceilings; those above are listed in a collective incident."""

from __future__ import annotations

from agents.incident_rows import IncidentRows
from tables.incidents import COLLECTIVE, PAGES, Pointer, pages_key
from ticketing.domain.incidents import ceilings, evidence_wait, outbreaks, sporadic
from ticketing.domain.incidents.ceilings import Guard
from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind
from ticketing.domain.incidents.lifecycle import is_due, published, reopens, ticketed
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace

_NO_GUARD = Guard()


class IncidentPages:
    """Tickets and pages of incidents, each below the ceilings of its partition and its scope."""

    def __init__(self, rows: IncidentRows) -> None:
        self._rows = rows
        self._tx = rows.tx
        self._policy = rows.policy
        self._now = rows.now

    def admitted(self, before: Incident | None, after: Incident) -> Incident:
        """The incident after a change, with its ticket if that is due, and no page above a ceiling."""
        if before is not None and before.ticketed and after.page > before.page:
            return self._repaged(before, after)
        if after.sporadic:
            state = self._rows.scope(after.scope)
            after = sporadic.looked_at(after, state, self._now, self._policy)
        return self._settled(after) if is_due(after, self._now) else after

    def _settled(self, incident: Incident) -> Incident:
        now, policy = self._now, self._policy
        if not incident.routes:
            return published(ticketed(incident, now, policy), now)
        state = self._rows.scope(incident.scope)
        if (found := sporadic.held(incident, state, now, policy)) is not incident:
            return published(found, now)
        if evidence_wait.waits(incident, state, now, policy):
            after = evidence_wait.waiting(incident, now, policy)
            return published(after, now) if not incident.evidence_until else after
        held = incident.collective_id
        if ceilings.overstayed(incident, now, policy):
            text = f"listed in {held} for as long as any incident is"
            return published(ticketed(incident, now, policy, text, quietly=True), now)
        refusing = self._refusing(incident)
        if refusing:
            return self._held(incident, refusing)
        text, quietly = "", False
        if held:
            text = f"listed in {held} before"
            quietly = ceilings.was_seen(self._rows.peek(held), incident)
        self._count(incident)
        return published(ticketed(incident, now, policy, text, quietly=quietly), now)

    def _repaged(self, before: Incident, after: Incident) -> Incident:
        """A further page, or, above a ceiling, a place in the list that pages."""
        if after.kind is Kind.COLLECTIVE or not after.routes:
            return after
        free = [
            ceilings.has_place(self._guard(key), limit, self._now, self._policy)
            for key, limit in self._limits(after)
        ]
        if all(free):
            self._count(after)
            return after
        listed_in = self._listed(after, repaged=True)
        text = f"too many pages at a time: listed in {listed_in} instead of a page of its own"
        return replace(
            after,
            page=before.page,
            paged_at=before.paged_at,
            timeline=with_step(after.timeline, self._policy, self._now, StepKind.HELD, text),
        )

    def _refusing(self, incident: Incident) -> list[tuple[str, int]]:
        """The guards with their limits that have no room for the incident's first page."""
        waited = bool(incident.collective_id)
        return [
            (key, limit)
            for key, limit in self._limits(incident)
            if not self._is_free(self._guard(key), incident, limit, waited)
        ]

    def _is_free(self, guard: Guard, incident: Incident, limit: int, waited: bool) -> bool:
        if waited:
            return ceilings.has_place(guard, limit, self._now, self._policy)
        return ceilings.has_room(guard, incident.severity, limit, self._now, self._policy)

    def _held(self, incident: Incident, refusing: list[tuple[str, int]]) -> Incident:
        now, policy = self._now, self._policy
        wait = 0.0
        for key, limit in refusing:
            guard, seconds = ceilings.queueing(
                self._guard(key), incident.severity, limit, now, policy
            )
            wait = max(wait, seconds)
            self._put(key, guard)
        after = ceilings.held(incident, wait, now, policy)
        if incident.collective_id:
            known = self._rows.peek(incident.collective_id)
            if known is not None and ceilings.outgrew(known, after, now):
                return published(replace(after, collective_id=self._listed(after)), now)
            # The list is known to people: nothing but the time of the ticket changes.
            if known is not None:
                self._rows.save(known, ceilings.lasting(known, after, now, policy))
            return after
        return published(ceilings.listed_in(after, self._listed(after), now, policy), now)

    def _listed(self, incident: Incident, *, repaged: bool = False) -> str:
        """List an incident in the partition's collective one; returns the id of that."""
        rows, now, policy = self._rows, self._now, self._policy
        pointer = self._tx.peek(COLLECTIVE)
        known = rows.peek(pointer.incident_id) if isinstance(pointer, Pointer) else None
        if known is not None and (
            known.status is not Status.RESOLVED or reopens(known, now, policy)
        ):
            after = ceilings.listing(known, incident, now, policy, repaged=repaged)
            rows.save(known, after)
            return after.id
        name = ceilings.collective_fingerprint(self._tx.partition)
        id = rows.new_id(incident.scope, name)
        made = ceilings.collective_opened(
            incident, now, policy, id=id, partition=self._tx.partition
        )
        rows.save(None, made)
        if not self._tx.is_set_aside(COLLECTIVE):
            rows.point(COLLECTIVE, id)
        return id

    # Guards

    def _limits(self, incident: Incident) -> list[tuple[str, int]]:
        """The guards that the incident's pages count in, with their limits; 0 is no limit."""
        policy = self._policy
        found = (
            (PAGES, policy.max_pages_per_minute),
            (pages_key(incident.scope), policy.max_pages_per_scope),
        )
        # A guard that can't be read guards nothing, and must not cost a page.
        return [(key, limit) for key, limit in found if limit and not self._tx.is_set_aside(key)]

    def _guard(self, key: str) -> Guard:
        found = self._tx.peek(key)
        return found if isinstance(found, Guard) else _NO_GUARD

    def _count(self, incident: Incident) -> None:
        if self._policy.group_by == GROUP_BY_CAUSE:
            known = self._rows.scope(incident.scope)
            self._rows.put_scope(
                incident.scope, outbreaks.told(known, incident.severity, self._now)
            )
        for key, _ in self._limits(incident):
            self._put(key, ceilings.paging(self._guard(key), self._now, self._policy))

    def _put(self, key: str, guard: Guard) -> None:
        self._tx.put(key, guard, due=ceilings.idle_at(guard, self._now, self._policy))
