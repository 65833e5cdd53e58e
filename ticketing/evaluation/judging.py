"""Holds the incidents of a run against labels of injected faults: pure rules of counting.

A ticket is an incident that became ticketed, merged ones included. It is new when it is ticketed, and
counts for the fault in whose window that is: from a little before the injection to some minutes
after. Any other is a false one: people were woken for it all the same.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ticketing.domain.incidents.incident import IncidentAlert
from ticketing.evaluation.history import Course, History, Page
from ticketing.evaluation.labels import Fault

BEFORE_SECONDS = 5.0
"""Clocks of hosts differ by seconds: what begins so shortly before an injection is its own."""
AFTER_SECONDS = 180.0
"""A fault shows within three minutes; what begins later has had time to begin for another reason."""
RANKED_AFTER_SECONDS = 90.0
"""A person who was paged looks at the causes about then: both waits for a ticket are over."""
PLACES = 4
"""Decimals of the result."""

PartsOf = Callable[[IncidentAlert], Collection[int]]
"""The parts of a recording that the records of an alert come from."""


@dataclass
class Judged:
    """A fault with what the run made of it."""

    fault: Fault
    tickets: list[Course] = field(default_factory=list)
    """The new tickets that count for it, earliest first."""
    ranking: list[str] = field(default_factory=list)
    """Services by the evidence at RANKED_AFTER_SECONDS, strongest first."""
    shown: bool = False
    """True if a ticket of it has an alert that began with it."""
    cause_at: float | None = None
    """The time from which on one of its tickets names the right cause; None for never."""

    @property
    def place(self) -> int | None:
        """The place of the faulty service in the ranking, from 1; None outside of it."""
        named = self.fault.service
        return self.ranking.index(named) + 1 if named in self.ranking else None

    @property
    def first_page(self) -> Page | None:
        """The first page of its tickets."""
        pages = [page for ticket in self.tickets for page in ticket.pages]
        return min(pages, key=lambda page: page.at, default=None)


@dataclass(frozen=True)
class Judgement:
    """The whole run: each fault, and the tickets that count for none. `seconds` is its length."""

    faults: list[Judged]
    false: list[Course]
    mixed: list[Course]
    """Tickets of a fault with alerts that began outside of its window, or with another one."""
    seconds: float

    @property
    def tickets(self) -> int:
        """The number of tickets that count for a fault."""
        return sum(len(one.tickets) for one in self.faults)


def judge(
    faults: Sequence[Fault], history: History, seconds: float, parts_of: PartsOf | None = None
) -> Judgement:
    """Hold a run of some seconds against its labels; `parts_of` tells faults at once apart."""
    judged = [Judged(fault) for fault in faults]
    false, mixed = [], []
    for course in history.courses.values():
        if course.ticketed_at is None:
            continue
        place = _fault_of(faults, course, parts_of)
        if place is None:
            false.append(course)
            continue
        judged[place].tickets.append(course)
        began = [_began(faults[place], alert, parts_of) for alert in course.alerts]
        judged[place].shown = judged[place].shown or any(began)
        if not all(began):
            mixed.append(course)
    for one in judged:
        one.tickets.sort(key=lambda course: (course.ticketed_at or 0.0, course.incident.id))
        one.ranking = ranked(history, one.fault)
        one.cause_at = _cause_at(one)
    return Judgement(judged, false, mixed, seconds)


def result(judgement: Judgement) -> dict[str, Any]:
    """The object that `ticketing evaluate --json` prints. Shares are from 0 to 1, times medians."""
    faults = judgement.faults
    count, tickets = len(faults), judgement.tickets
    places = [one.place for one in faults]
    firsts = [one.first_page for one in faults]
    named = sum(
        page is not None and page.cause == one.fault.service
        for one, page in zip(faults, firsts, strict=True)
    )
    right = sum(course.cause == one.fault.service for one in faults for course in one.tickets)
    to_ticket = [
        max(0.0, (one.tickets[0].ticketed_at or 0.0) - one.fault.at)
        for one in faults
        if one.tickets
    ]
    to_cause = [max(0.0, one.cause_at - one.fault.at) for one in faults if one.cause_at is not None]
    hours = judgement.seconds / 3600.0
    return {
        "faults": count,
        "top1": _share(sum(place == 1 for place in places), count),
        "top3": _share(sum(place is not None and place <= 3 for place in places), count),
        "ticketsPerFault": _share(tickets, count),
        "ticketsPerFaultMax": max((len(one.tickets) for one in faults), default=0),
        "missed": sum(not one.tickets for one in faults),
        "falseTicketsPerHour": _share(len(judgement.false), hours),
        "purity": _share(tickets - len(judgement.mixed), tickets),
        "firstCauseRight": _share(named, count),
        "causeRight": _share(right, tickets),
        "secondsToTicket": _median(to_ticket),
        "secondsToCause": _median(to_cause),
    }


def kept_apart(faults: Sequence[Judged]) -> bool:
    """True if each of several faults at once has a ticket with an alert that began with it."""
    return all(one.shown for one in faults)


def ranked(history: History, fault: Fault) -> list[str]:
    """Services by the evidence of the scope as it was known soon after a fault, strongest first."""
    known = history.ranking_at(fault.at + RANKED_AFTER_SECONDS)
    return list(dict.fromkeys(cause.service for cause in known))


def _fault_of(faults: Sequence[Fault], course: Course, parts_of: PartsOf | None) -> int | None:
    """The place of the fault that a ticket counts for; None for a false one.

    Of several faults at once that with most of its alerts, else the one that it names, else the
    latest.
    """
    at = course.ticketed_at
    found = [
        (
            sum(_began(fault, alert, parts_of) for alert in course.alerts),
            fault.service == course.cause,
            fault.service in {alert.service for alert in course.alerts},
            fault.at,
            place,
        )
        for place, fault in enumerate(faults)
        if at is not None and _within(fault, at)
    ]
    return max(found)[-1] if found else None


def _began(fault: Fault, alert: IncidentAlert, parts_of: PartsOf | None) -> bool:
    """True if an alert began in the window of a fault, and in its part of the recording."""
    own = parts_of is None or fault.part in parts_of(alert)
    return own and _within(fault, alert.first_seen)


def _cause_at(judged: Judged) -> float | None:
    named = [
        max(at, judged.fault.at)
        for course in judged.tickets
        for at, cause in course.causes
        if cause == judged.fault.service
    ]
    return min(named, default=None)


def _within(fault: Fault, at: float) -> bool:
    return fault.at - BEFORE_SECONDS <= at <= fault.at + AFTER_SECONDS


def _share(part: float, whole: float) -> float:
    return round(part / whole, PLACES) if whole else 0.0


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None
