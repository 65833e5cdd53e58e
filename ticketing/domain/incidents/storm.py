"""Storm guards: keep a thousand new patterns, or pages, from becoming a thousand tickets.

Signals that come again must find the place that they had. So each admission is remembered with the
offset of its message.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import quote

from ticketing.domain.alerts.fingerprint import fingerprint
from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind
from ticketing.domain.incidents.lifecycle import published, raised, reopened, settled
from ticketing.domain.incidents.policy import GROUP_BY_SERVICE, Policy
from ticketing.domain.incidents.routing import routes_for
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.signals import Anomalies

PAGES = "pages:"

ADMITTED_MAX = 2_000
"""Admissions in one guard, some 150 kB of it; so no higher limit than this can be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The recent admissions: per name the arrival time and the offset of its message.

    Names are fingerprints for a service's guard, incident ids for a tenant's guard of pages.
    """

    admitted: dict[str, tuple[float, int]] = field(default_factory=dict)


class Place(Enum):
    """The incident that counts a fingerprint's anomalies: its own, or a collective one."""

    OWN = "own"
    COLLECTIVE = "collective"


def patterns_guard_key(tenant: str, service: str) -> str:
    """The key of the guard that limits a service's new patterns."""
    return f"guard:{quote(tenant, safe='')}/{service}"


def pages_guard_key(tenant: str) -> str:
    """The key of the guard that limits a tenant's new pages."""
    return f"{PAGES}{tenant}"


def overflow_fingerprint(tenant: str, service: str) -> str:
    """The fingerprint of a service's overflow incident. No pattern holds a NUL."""
    return fingerprint(tenant, service, "\0overflow")


def group_fingerprint(tenant: str, service: str) -> str:
    """The fingerprint of the incident that takes all patterns of a service."""
    return fingerprint(tenant, service, "\0service")


def umbrella_fingerprint(tenant: str, partition: int) -> str:
    """The fingerprint of a tenant's umbrella incident in one partition of the signals."""
    return fingerprint(tenant, "\0umbrella", str(partition))


def placed(
    name: str,
    own: Incident | None,
    guard: Guard,
    overflow: Incident | None,
    offset: int,
    now: float,
    policy: Policy,
) -> Place:
    """The place of the fingerprint `name` when the message at `offset` is applied.

    A record or an admission from a later message shows a replay: the fingerprint had no incident of
    its own at that time, and was counted collectively.
    """
    if own is not None and own.admitted_offset > offset:
        return Place.COLLECTIVE
    if policy.group_by == GROUP_BY_SERVICE:
        still_open = own is not None and own.status is not Status.RESOLVED
        return Place.OWN if still_open else Place.COLLECTIVE
    if own is not None:
        return Place.OWN
    admission = guard.admitted.get(name)
    if admission is not None:
        return Place.OWN if admission[1] <= offset else Place.COLLECTIVE
    limit = policy.max_patterns_per_service
    if limit <= 0:
        return Place.OWN
    if overflow is not None and overflow.status is not Status.RESOLVED:
        return Place.COLLECTIVE
    full = lately(guard, now, offset, policy.patterns_window) >= limit
    return Place.COLLECTIVE if full else Place.OWN


def lately(guard: Guard, now: float, offset: int, window: float) -> int:
    """The number of admissions in a window (seconds) up to the message at `offset`.

    Admissions by later messages are there in a replay only, and took no room the first time.
    """
    admitted = recent(guard, now, window).admitted
    return sum(by <= offset for _, by in admitted.values())


def recent(guard: Guard, now: float, window: float) -> Guard:
    """The guard without admissions older than a window (seconds)."""
    kept = {name: entry for name, entry in guard.admitted.items() if entry[0] > now - window}
    return guard if len(kept) == len(guard.admitted) else Guard(admitted=kept)


def admitting(guard: Guard, name: str, now: float, offset: int, window: float) -> Guard:
    """The guard with one more admission; a name is admitted once."""
    if name in guard.admitted:
        return guard
    admitted = list(recent(guard, now, window).admitted.items())[1 - ADMITTED_MAX :]
    return Guard(admitted=dict([*admitted, (name, (now, offset))]))


def collective(anomalies: Anomalies, policy: Policy) -> tuple[Anomalies, Kind]:
    """The anomalies as those of the service's collective incident, and that incident's kind."""
    tenant, service = anomalies.tenant, anomalies.service
    if policy.group_by == GROUP_BY_SERVICE:
        name, kind = group_fingerprint(tenant, service), Kind.PATTERN
        title = f"{service}: {anomalies.title or anomalies.pattern}"
    else:
        name, kind = overflow_fingerprint(tenant, service), Kind.OVERFLOW
        limit, minutes = policy.max_patterns_per_service, policy.patterns_window / 60
        title = f"{service}: more than {limit} new error patterns in {minutes:g} minutes"
    return replace(anomalies, fingerprint=name, pattern="", title=title), kind


def umbrella_opened(
    held: Incident, now: float, policy: Policy, *, id: str, name: str, episode: int = 1
) -> Incident:
    """A new umbrella with its first incident; ticketed at once, as that ticket is the page."""
    umbrella = Incident(
        id=id,
        fingerprint=name,
        tenant=held.tenant,
        service="",
        pattern="",
        title="",
        severity=held.severity,
        kind=Kind.UMBRELLA,
        opened_at=now,
        updated_at=now,
        quiet_at=now,
        first_seen=now,
        last_seen=now,
        episode=episode,
        held=1,
        routes=routes_for(held.severity, policy),
        ticket_at=now,
        timeline=with_step([], policy, now, StepKind.OPENED, f"holds {held.id}"),
    )
    return settled(_titled(umbrella, policy), now, policy)


def holding(umbrella: Incident, held: Incident, now: float, policy: Policy) -> Incident:
    """The umbrella with one more incident under it; reopened if it was resolved."""
    was_resolved = umbrella.status is Status.RESOLVED
    if was_resolved:
        umbrella = reopened(umbrella, now, policy, f"holds {held.id}")
    at = now + policy.publish_every if umbrella.publish_at is None else umbrella.publish_at
    umbrella = replace(
        umbrella,
        held=umbrella.held + 1,
        quiet_at=now,
        last_seen=max(umbrella.last_seen, now),
        updated_at=now,
        publish_at=at,
    )
    umbrella = _titled(raised(umbrella, held.severity, now, policy), policy)
    return published(settled(umbrella, now, policy), now) if was_resolved else umbrella


def held_back(incident: Incident, umbrella_id: str, now: float, policy: Policy) -> Incident:
    """The incident without a ticket of its own for as long as the umbrella lasts."""
    text = f"more than {policy.max_pages_per_minute} new pages a minute; see {umbrella_id}"
    timeline = with_step(incident.timeline, policy, now, StepKind.HELD, text)
    return replace(incident, held_by=umbrella_id, timeline=timeline)


def _titled(umbrella: Incident, policy: Policy) -> Incident:
    noun = "incident" if umbrella.held == 1 else "incidents"
    limit = policy.max_pages_per_minute
    who = umbrella.tenant or "the default tenant"
    title = f"{umbrella.held} {noun} of {who} held back: over {limit} new pages a minute"
    return replace(umbrella, title=title)
