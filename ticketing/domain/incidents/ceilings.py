"""Ceilings of new pages, and the collective incident that lists what is above them.

A ceiling is a sliding minute of the pages that were made, for a partition and for each scope in it.
An incident above one is listed in the collective incident of its partition, which pages at once, and
waits for a place in a queue of pages. Times are Unix seconds of arrival.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from ticketing.domain.incidents.incident import (
    Incident,
    Kind,
    Listed,
    Status,
    StepKind,
)
from ticketing.domain.incidents.lifecycle import (
    POLICY,
    page_again,
    published,
    raised,
    reopened,
    ticketed,
)
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.text import bounded

PAGED_MAX = 2_000
"""Pages of a minute in one guard, some 40 kB of it; so no higher limit than this can be judged."""
LISTED_TITLE_BYTES_MAX = 160
"""A line of a list."""

URGENT, OTHERS = "urgent", "others"
"""The queues of a ceiling: critical incidents wait for no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The length of a queue in seconds, as it was at a time."""

    seconds: float
    at: float

    def left(self, now: float) -> float:
        """The seconds until the place behind the last one; none are added by a clock set back."""
        return max(0.0, self.seconds - max(0.0, now - self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The pages of the latest minute, oldest first, and the queues for a place."""

    paged: list[float] = field(default_factory=list)
    queues: Mapping[str, Queue] = field(default_factory=dict)


def lately(guard: Guard, now: float, policy: Policy) -> list[float]:
    """The times of the pages within the latest minute; those of a clock since set back do not count."""
    first, end = _lately(guard, now, policy)
    return guard.paged[first:end]


def paged_lately(guard: Guard, now: float, policy: Policy) -> int:
    """The number of pages within the latest minute, as `lately` gives them."""
    first, end = _lately(guard, now, policy)
    return end - first


def _lately(guard: Guard, now: float, policy: Policy) -> tuple[int, int]:
    """The places of those pages: they are in order, as none is noted before the latest one's time."""
    paged = guard.paged
    first = bisect_right(paged, now - policy.pages_window)
    end = len(paged)
    if end and paged[-1] > now:
        end = bisect_right(paged, now, first)
    return first, end


def has_room(guard: Guard, severity: Severity, limit: int, now: float, policy: Policy) -> bool:
    """True if an incident may page now: a place is free, and nobody waits for it before."""
    if limit <= 0:
        return True
    if paged_lately(guard, now, policy) >= limit:
        return False
    return _queue(guard, severity).left(now) <= 0


def has_place(guard: Guard, limit: int, now: float, policy: Policy) -> bool:
    """True if an incident whose turn in the queue has come may page."""
    return limit <= 0 or paged_lately(guard, now, policy) < limit


def paging(guard: Guard, now: float, policy: Policy) -> Guard:
    """The guard with one more page."""
    paged = [*lately(guard, now, policy), now][-PAGED_MAX:]
    return replace(guard, paged=paged)


def queueing(
    guard: Guard, severity: Severity, limit: int, now: float, policy: Policy
) -> tuple[Guard, float]:
    """The guard with one more incident in a queue, and the seconds until its turn."""
    first, end = _lately(guard, now, policy)
    full = end - first >= limit
    free = guard.paged[end - limit] + policy.pages_window - now if full else 0.0
    name, queue = _lane(severity), _queue(guard, severity)
    wait = max(free, queue.left(now) + policy.pages_window / limit)
    queues = {**guard.queues, name: Queue(seconds=wait, at=now)}
    paged = guard.paged if end - first == len(guard.paged) else guard.paged[first:end]
    return Guard(paged=paged, queues=queues), wait


def shifted(guard: Guard, by: float) -> Guard:
    """The guard after a step of the partition's clock by so many seconds."""
    return Guard(
        paged=[at + by for at in guard.paged],
        queues={name: replace(queue, at=queue.at + by) for name, queue in guard.queues.items()},
    )


def idle_at(guard: Guard, now: float, policy: Policy) -> float:
    """The time from which on a guard remembers nothing that counts."""
    last = guard.paged[-1] if guard.paged else now
    left = max((queue.left(now) for queue in guard.queues.values()), default=0.0)
    return min(max(last + policy.pages_window, now + left), now + policy.held_seconds_max)


def held(incident: Incident, wait: float, now: float, policy: Policy) -> Incident:
    """The incident without a ticket before its turn, in so many seconds; not yet published."""
    began = incident.held_at if incident.collective_id else now
    latest = began + policy.held_seconds_max
    return replace(incident, held_at=began, ticket_at=min(now + wait, latest))


def listed_in(incident: Incident, collective_id: str, now: float, policy: Policy) -> Incident:
    """The held incident with the collective one that lists it; not yet published."""
    text = f"too many new pages at a time: listed in {collective_id} until its turn has come"
    timeline = with_step(incident.timeline, policy, now, StepKind.HELD, text)
    return replace(incident, collective_id=collective_id, timeline=timeline)


def overstayed(incident: Incident, now: float, policy: Policy) -> bool:
    """True for an incident that has waited for its turn as long as any may."""
    return bool(incident.collective_id) and now >= incident.held_at + policy.held_seconds_max


def was_seen(collective: Incident | None, incident: Incident) -> bool:
    """True if somebody acknowledged or resolved the collective incident since it lists the incident.

    What the incident rose to after that is seen by nobody yet.
    """
    if collective is None:
        return False
    since = max(incident.held_at, _raised_at(incident))
    return any(
        step.at >= since
        and (
            step.kind is StepKind.ACKNOWLEDGED
            or (step.kind is StepKind.RESOLVED and step.by != POLICY)
        )
        for step in collective.timeline
    )


def outgrew(collective: Incident, incident: Incident, now: float) -> bool:
    """True if an incident is more severe than the collective one lists it.

    An entry that the list has lost counts as told, until the incident rises.
    """
    for entry in collective.lists:
        if entry.id == incident.id:
            return incident.severity.rank > entry.severity.rank
    return _raised_at(incident) == now


def retold_at(collective: Incident, now: float, policy: Policy) -> float | None:
    """The time of a further page of an acknowledged collective incident; None for never.

    It lists a critical incident that came or rose after the acknowledgement, which must not wait
    for a place, or an incident whose further page it stands for, which gets no other; from one such
    page to the next it takes a minute.
    """
    seen_at = collective.acknowledged_at
    if collective.status is not Status.ACKNOWLEDGED or seen_at is None:
        return None
    unseen = [entry.at for entry in collective.lists if _is_told(entry) and entry.at > seen_at]
    if not unseen:
        return None
    repaged = [
        step.at for step in collective.timeline if step.kind is StepKind.REPAGED and step.at <= now
    ]
    return max(min(unseen), max(repaged, default=0.0) + policy.pages_window)


def retold(collective: Incident, now: float, policy: Policy) -> Incident:
    """The collective incident with its further page, if that is due; not yet published."""
    at = retold_at(collective, now, policy)
    if at is None or at > now:
        return collective
    why = "lists critical incidents or further pages that came after the acknowledgement"
    return page_again(collective, now, policy, why)


def collective_fingerprint(partition: int) -> str:
    """The fingerprint of the collective incidents of a partition: no alert has it."""
    return scope_of("\0collective", str(partition))


def collective_opened(
    first: Incident, now: float, policy: Policy, *, id: str, partition: int
) -> Incident:
    """A new collective incident with the first that it lists; ticketed at once, as that is the page."""
    made = Incident(
        id=id,
        scope=first.scope,
        fingerprint=collective_fingerprint(partition),
        tenant="",
        service="",
        pattern="",
        title="",
        severity=first.severity,
        kind=Kind.COLLECTIVE,
        opened_at=now,
        updated_at=now,
        first_seen=now,
        last_seen=now,
        last_arrived_at=now,
        routes=routes_for(first.severity, policy),
        ticket_at=now,
        config=policy.version,
        timeline=with_step([], policy, now, StepKind.OPENED, f"lists {first.id}"),
    )
    return ticketed(_with_entry(made, first, now, policy), now, policy)


def listing(
    collective: Incident, incident: Incident, now: float, policy: Policy, *, repaged: bool = False
) -> Incident:
    """The collective incident with one more in its list, `repaged` instead of a further page.

    Told at once where it was resolved, where the severity rises, and for a critical incident or a
    further page, which pages again where the list was acknowledged before.
    """
    was_resolved = collective.status is Status.RESOLVED
    if was_resolved:
        text = f"lists {incident.id}"
        collective = page_again(reopened(collective, now, policy, text), now, policy, "")
    urgent = repaged or _is_urgent(incident)
    at = collective.publish_at
    after = _with_entry(collective, incident, now, policy, repaged=repaged)
    after = replace(after, publish_at=now + policy.publish_every if at is None else at)
    after = raised(after, incident.severity, now, policy)
    after = retold(after, now, policy) if urgent else after
    if after.revision == collective.revision and (was_resolved or urgent):
        after = published(after, now)
    return after


def lasting(collective: Incident, incident: Incident, now: float, policy: Policy) -> Incident:
    """The collective incident, open until after the turn of one that it lists, or its page instead."""
    ends_at = max(incident.ticket_at, now) + policy.collective_margin
    if collective.ends_at is not None and collective.ends_at >= ends_at:
        return collective
    return replace(collective, ends_at=ends_at)


def _with_entry(
    collective: Incident, incident: Incident, now: float, policy: Policy, *, repaged: bool = False
) -> Incident:
    entry = Listed(
        id=incident.id,
        tenant=incident.tenant,
        service=incident.service,
        title=bounded(incident.title, LISTED_TITLE_BYTES_MAX),
        severity=incident.severity,
        at=now,
        repaged=repaged,
    )
    others = collective.lists
    known = any(one.id == incident.id for one in others)
    if known:
        others = [one for one in others if one.id != incident.id]
    collective = lasting(collective, incident, now, policy)
    listed = collective.listed + (not known)
    noun = "incident" if listed == 1 else "incidents"
    return replace(
        collective,
        lists=[*others, entry][-policy.lists_kept :],
        listed=listed,
        last_seen=max(collective.last_seen, now),
        last_arrived_at=now,
        affected_services=_with_service(collective, incident.service, policy),
        title=f"{listed} new {noun} at a time, more than a person can read",
    )


def _with_service(collective: Incident, service: str, policy: Policy) -> list[str]:
    known = collective.affected_services
    if service in known or len(known) >= policy.services_kept:
        return known
    return [*known, service]


def _is_told(entry: Listed) -> bool:
    """True for an entry that pages although the list was acknowledged before."""
    return entry.repaged or _is_urgent(entry)


def _is_urgent(one: Incident | Listed) -> bool:
    return one.severity.nearest is Severity.CRITICAL


def _raised_at(incident: Incident) -> float:
    raises = [step.at for step in incident.timeline if step.kind is StepKind.SEVERITY_RAISED]
    return max(raises, default=0.0)


def _lane(severity: Severity) -> str:
    return URGENT if severity.nearest is Severity.CRITICAL else OTHERS


def _queue(guard: Guard, severity: Severity) -> Queue:
    return guard.queues.get(_lane(severity), Queue(seconds=0.0, at=0.0))
