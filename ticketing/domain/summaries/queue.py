"""The questions to a model: pure rules for the time to ask, and a bounded queue for the order."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum

from ticketing.domain.events import Basis
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.severity import worst
from ticketing.domain.summaries.by_rules import cause_of

# Time for a new incident to gather evidence before the model is asked: a small part of the group
# wait, so that the answer has most of it to arrive in.
SETTLE_SHARE = 0.2
SETTLE_SECONDS_MAX = 5.0
AGAIN_SECONDS_MIN = 60.0
"""Pause between two calls for one incident, unless it got worse in kind: counts change every second."""
# News is another order of magnitude, and only where it is not a handful of anomalies.
COUNT_FACTOR = 10
COUNT_MIN = 100
CALLS_MAX = 12
"""Calls for one incident in all its life: bounds the cost, however often the incident comes back."""
# Bounds of memory: incidents that wait, and past questions; incidents that have an answer carry it.
PENDING_MAX = 5_000
ASKED_MAX = 20_000
# A model that fails for longer is asked again when the incident changes.
ATTEMPTS_MAX = 4
RETRY_SECONDS_MAX = 3600.0


class Why(str, Enum):
    """The kinds of news for which a model is asked about an incident."""

    NEW = "new"
    SEVERITY = "severity"
    REOPENED = "reopened"
    CAUSE = "cause"
    COUNT = "count"


def basis_of(incident: Incident, before: Basis | None) -> Basis:
    """The present state of an incident, for a call that is about to be made."""
    return Basis(
        severity=incident.severity,
        count=incident.count,
        at=incident.updated_at,
        reopened_at=max(incident.reopenings, default=0.0),
        cause=cause_of(incident),
        calls=1 + (before.calls if before else 0),
    )


def wanted(incident: Incident, basis: Basis | None) -> Why | None:
    """The reason to ask a model, or None; `basis` is the incident's state at the last question.

    A resolved incident is told to nobody any more, a collective incident and lines of stack traces have
    no error to explain, and one that a collective lists has no ticket that could show the answer.
    """
    if incident.status is Status.RESOLVED or incident.kind in (Kind.COLLECTIVE, Kind.STRAY):
        return None
    if incident.collective_id and not incident.ticketed:
        return None
    if basis is None:
        return Why.NEW
    if basis.calls >= CALLS_MAX:
        return None
    cause = cause_of(incident)
    reasons = {
        Why.SEVERITY: incident.severity.rank > basis.severity.rank,
        Why.REOPENED: max(incident.reopenings, default=0.0) > basis.reopened_at,
        Why.CAUSE: bool(cause) and cause != basis.cause,
        Why.COUNT: incident.count >= max(COUNT_MIN, COUNT_FACTOR * basis.count),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def not_before(incident: Incident, why: Why, basis: Basis | None) -> float:
    """The earliest time (Unix seconds) to ask."""
    if basis is None:
        wait = max(0.0, incident.ticket_at - incident.opened_at)
        settle = 0.0 if incident.ticketed else min(SETTLE_SECONDS_MAX, SETTLE_SHARE * wait)
        return incident.opened_at + settle
    urgent = why in (Why.SEVERITY, Why.REOPENED)
    return incident.updated_at if urgent else basis.at + AGAIN_SECONDS_MIN


def known_basis(incident: Incident, asked: Basis | None) -> Basis | None:
    """The state at the last question: the later of this process's and the incident's own record.

    A severity that the model's own opinion raised is no news to the model.
    """
    told = incident.summary.basis if incident.summary else None
    if told is not None and incident.summary and incident.summary.severity:
        told = replace(told, severity=worst(told.severity, incident.summary.severity))
    if told is None or asked is None:
        return told or asked
    return told if told.calls >= asked.calls else asked


@dataclass(slots=True)
class Ask:
    """One incident to ask about, as last seen. `at` is the time to ask, in Unix seconds.

    Until `held_until` it is not asked about, whatever changes meanwhile.
    """

    incident: Incident
    why: Why
    at: float
    attempts: int = 0
    held_until: float = 0.0


class Queue:
    """The incidents a model is to be asked about: each once at a time, worst first, bounded."""

    def __init__(self, pending_max: int = PENDING_MAX, asked_max: int = ASKED_MAX) -> None:
        self._pending_max = pending_max
        self._asked_max = asked_max
        self._pending: OrderedDict[str, Ask] = OrderedDict()
        self._under_way: dict[str, Incident] = {}
        self._asked: OrderedDict[str, Basis] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pending)

    def note(self, incident: Incident) -> int:
        """Take in an incident as it is now; returns the number of others dropped for room."""
        if incident.id in self._under_way:
            self._under_way[incident.id] = incident
            return 0
        basis = known_basis(incident, self._asked.get(incident.id))
        why = wanted(incident, basis)
        if why is None:
            self._pending.pop(incident.id, None)
            return 0
        known = self._pending.get(incident.id)
        at = not_before(incident, why, basis)
        if known is not None:
            known.incident, known.why, known.at = incident, why, max(at, known.held_until)
            return 0
        self._pending[incident.id] = Ask(incident, why, at)
        if len(self._pending) > self._pending_max:
            self._pending.popitem(last=False)
            return 1
        return 0

    def next_at(self) -> float | None:
        """The time of the next question; None if there is none."""
        return min((ask.at for ask in self._pending.values()), default=None)

    def take(self, now: float) -> tuple[Ask, Basis] | None:
        """The worst incident that is due, longest waiting first, with the basis of its call."""
        due = [ask for ask in self._pending.values() if ask.at <= now]
        if not due:
            return None
        ask = min(due, key=lambda one: (-one.incident.severity.rank, one.at))
        id = ask.incident.id
        del self._pending[id]
        self._under_way[id] = ask.incident
        return ask, basis_of(ask.incident, known_basis(ask.incident, self._asked.get(id)))

    def answered(self, ask: Ask, basis: Basis) -> None:
        """Note that the call is done; an incident that changed meanwhile is looked at again."""
        self._remember(ask.incident.id, basis)
        self.note(self._under_way.pop(ask.incident.id))

    def failed(self, ask: Ask, basis: Basis, now: float, pause: float) -> None:
        """Note that the call failed: repeated after a doubling pause, ATTEMPTS_MAX calls in all."""
        latest = self._under_way.pop(ask.incident.id)
        attempts = ask.attempts + 1
        if attempts >= ATTEMPTS_MAX:
            self._remember(latest.id, basis)
            return
        self.note(latest)
        again = self._pending.get(latest.id)
        if again is not None:
            again.attempts = attempts
            wait = min(RETRY_SECONDS_MAX, pause * 2 ** (attempts - 1))
            again.at = again.held_until = now + wait

    def postponed(self, ask: Ask, until: float) -> None:
        """Note that no call was made, which is no attempt; the next one comes after `until`."""
        latest = self._under_way.pop(ask.incident.id)
        self.note(latest)
        again = self._pending.get(latest.id)
        if again is not None:
            again.attempts = ask.attempts
            again.at = again.held_until = until

    def _remember(self, id: str, basis: Basis) -> None:
        self._asked[id] = basis
        self._asked.move_to_end(id)
        while len(self._asked) > self._asked_max:
            self._asked.popitem(last=False)
