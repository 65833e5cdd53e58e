"""The alerts of an incident: a state of an alert applied to the incident that it belongs to.

A state is the whole alert, and absolute: the incident adds the difference to the state before, so
that its count is the sum of its alerts' counts, whatever was lost, repeated or late. Times are Unix
seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.incidents.incident import Incident, IncidentAlert, StepKind
from ticketing.domain.incidents.lifecycle import (
    POLICY,
    counted,
    is_snoozed,
    page_again,
    published,
    raised,
)
from ticketing.domain.incidents.outbreaks import OUTBREAK_SECONDS
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE, Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.intake import is_plain
from ticketing.domain.records import replace
from ticketing.domain.signals import Sample
from ticketing.domain.text import bounded

ROW_WINDOWS_KEPT = 12
"""Windows remembered of an alert: three hours of the default length; older ones hardly ever change."""
MINUTES_KEPT = 60
"""The first hour."""
SAMPLE_BYTES_MAX = 600
"""The message shown of an alert: two lines of a wide screen or so."""
LABEL_BYTES_MAX = 128
"""The names in that sample: with these a row of an alert stays near 4 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert with the incident that it belongs to.

    `alert` is its latest state there. `windows` holds (start, count) of the latest windows of its
    episode. `together` and `apart` are the fingerprints that a person has put in one incident with
    this one, or in another: that decision also holds for later episodes.
    """

    incident_id: str
    alert: IncidentAlert
    heard_at: float = 0.0
    """Arrival time of the latest signal that the alert counted; compared with the quiet clock."""
    windows: list[tuple[int, int]] = field(default_factory=list)
    together: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The reason why an alert is in an incident, and the record that it began with."""

    reason: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1


def is_later(alert: Alert, known: IncidentAlert) -> bool:
    """True for a state after the known one.

    An alert that was forgotten begins again with its first episode: its records are newer than all
    that are known.
    """
    return alert.version > known.version or alert.arrived_at > known.last_arrived_at


def is_same_episode(alert: Alert, known: IncidentAlert) -> bool:
    """True if a later state counts on in the episode of the known one."""
    return alert.episode == known.episode and alert.arrived_at <= known.last_arrived_at


def heard_at(alert: Alert, now: float) -> float:
    """The time since which an alert may be quiet: a record may bear any time, its signal may not.

    No later than `now`: times from before the broker's time leapt back are ahead.
    """
    return min(max(alert.counted_at, alert.last_arrived_at), now)


def brings_news(alert: Alert, known: IncidentAlert) -> bool:
    """True for a later state with anomalies that the known one has not."""
    if not is_same_episode(alert, known):
        return alert.count > 0
    return alert.count > known.count - known.before


def is_late(alert: Alert, resolved_at: float) -> bool:
    """True if all records of a state are from before a resolution by hand.

    A record is from before if it arrived before, or if its event, shifted by the usual delay of its
    alert, was before. The clock of a service may be ahead: an event is never later than its arrival.
    """
    # A release before did not tell the times of the events.
    latest = alert.expected_at or alert.last_seen + alert.delay
    return min(alert.last_arrived_at, latest) <= resolved_at


def state_of(
    alert: Alert,
    row: AlertRow | None,
    origin: Origin,
    *,
    elsewhere: bool = False,
    behind: IncidentAlert | None = None,
) -> IncidentAlert:
    """The alert as a part of an incident, after a state.

    `row` is the known one; `elsewhere`: what is counted so far belongs to another incident, and
    `behind` is the part that this one kept when the alert left it (`left`).
    """
    known = row.alert if row else None
    same = known is not None and is_same_episode(alert, known)
    before = 0
    if known is not None and elsewhere:
        before = known.before - known.count if same else 0
    elif known is not None:
        before = known.before if same else known.count
    part = IncidentAlert(
        fingerprint=alert.fingerprint,
        service=alert.service,
        title=alert.title or alert.pattern,
        severity=alert.severity,
        kind=alert.kind,
        state=alert.state,
        episode=alert.episode,
        revision=alert.revision,
        count=before + alert.count,
        before=before,
        needed=alert.needed,
        first_seen=alert.first_seen,
        last_seen=alert.last_seen,
        last_arrived_at=alert.last_arrived_at,
        minutes=alert.minutes[:MINUTES_KEPT],
        sample=_sample(alert.samples),
        reason=origin.reason,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        config=alert.config,
        judged=alert.judged,
    )
    if elsewhere and behind is not None:
        return replace(
            part,
            count=part.count + behind.count,
            before=part.before + behind.count,
            first_seen=min(part.first_seen, behind.first_seen),
        )
    if known is None or elsewhere:
        return part
    goes_on = same and known.before < 0
    return replace(
        part,
        # Of an episode that began in another incident, only what is new counts here.
        first_seen=known.first_seen if goes_on else min(known.first_seen, alert.first_seen),
        last_seen=max(known.last_seen, alert.last_seen),
        minutes=part.minutes if same and before == 0 else known.minutes,
        sample=part.sample or known.sample,
        reason=known.reason,
        topic=known.topic,
        partition=known.partition,
        offset=known.offset,
    )


def with_state(
    incident: Incident,
    alert: Alert,
    row: AlertRow | None,
    part: IncidentAlert,
    now: float,
    policy: Policy,
    *,
    elsewhere: bool = False,
) -> Incident:
    """The incident with a state of an alert counted; its severity, pages and times not yet judged.

    `row` is the alert as known, `part` as it is now; `elsewhere` as in `state_of`.
    """
    own = None if row is None or elsewhere else row.alert
    known = left_behind(incident, alert.fingerprint) if elsewhere else own
    firing = incident.alerts_firing + _fires(part) - (_fires(own) if own else 0)
    last_arrived_at = max(incident.last_arrived_at, part.last_arrived_at)
    quiet_since = None if firing > 0 else max(incident.quiet_since or 0.0, heard_at(alert, now))
    since = row.windows if row and is_same_episode(alert, row.alert) else []
    return replace(
        incident,
        count=incident.count + part.count - (known.count if known else 0),
        alerts=placed(incident.alerts, part, policy),
        alerts_total=incident.alerts_total + (known is None),
        alerts_firing=firing,
        first_seen=min(incident.first_seen, part.first_seen),
        last_seen=max(incident.last_seen, part.last_seen),
        last_arrived_at=last_arrived_at,
        quiet_since=quiet_since,
        max_score=max(incident.max_score, alert.max_score),
        waits_for=_waits_for(incident, part, own is None),
        environment=incident.environment or alert.environment,
        windows=_with_windows(incident.windows, alert.windows, since, policy.windows_kept),
        samples=_with_samples(incident.samples, alert.samples, policy),
        trace_ids=_with(incident.trace_ids, alert.trace_ids)[-policy.trace_ids_kept :],
        endpoints=_with(incident.endpoints, alert.endpoints)[: policy.endpoints_kept],
        affected_services=_with(incident.affected_services, alert.affected_services)[
            : policy.services_kept
        ],
    )


def joined(
    incident: Incident,
    alert: Alert,
    row: AlertRow | None,
    part: IncidentAlert,
    now: float,
    policy: Policy,
    *,
    elsewhere: bool = False,
) -> Incident:
    """The open incident with a state of an alert: counted, raised and paged as that asks for."""
    own = None if row is None or elsewhere else row.alert
    after = with_state(incident, alert, row, part, now, policy, elsewhere=elsewhere)
    if own is None and incident.alerts_total:
        text = "; ".join(filter(None, [f"{part.service}: {part.title}", part.reason]))
        timeline = with_step(after.timeline, policy, now, StepKind.GROUPED, text)
        after = published(replace(after, timeline=timeline), now)
    if after.waits_for and not incident.alerts_total:
        text = f"no ticket before {after.waits_for} occurrences within a window"
        timeline = with_step(after.timeline, policy, now, StepKind.HELD, text)
        after = replace(after, timeline=timeline)
    before = after
    after = _outbreak(incident, after, own, alert, now, policy)
    if incident.alerts_total and _pages(incident, own, alert, now, policy):
        wait = (_quiet_before(incident, own, alert) or 0.0) / 60
        after = page_again(after, now, policy, f"fired again after {wait:.0f} quiet minutes")
        after = published(after, now)
    after = raised(after, alert.severity, now, policy)
    return counted(after, now, policy) if after is before and own is not None else after


def left(incident: Incident, part: IncidentAlert, now: float) -> Incident:
    """A resolved incident whose alert goes on in another one: it keeps the counts so far."""
    if not _fires(part):
        return incident
    alerts = [
        replace(one, state=AlertState.QUIET) if one.fingerprint == part.fingerprint else one
        for one in incident.alerts
    ]
    firing = incident.alerts_firing - 1
    return published(replace(incident, alerts=alerts, alerts_firing=firing), now)


def left_behind(incident: Incident | None, fingerprint: str) -> IncidentAlert | None:
    """The part of an alert that left, as the incident still shows it."""
    shown = incident.alerts if incident is not None else []
    return next((one for one in shown if one.fingerprint == fingerprint), None)


def unheard(
    incident: Incident, row: AlertRow, now: float, policy: Policy
) -> tuple[Incident, AlertRow]:
    """An alert of which nothing was heard for long, counted as quiet."""
    part = replace(row.alert, state=AlertState.QUIET)
    firing = incident.alerts_firing - _fires(row.alert)
    alerts = [part if one.fingerprint == part.fingerprint else one for one in incident.alerts]
    text = f"{part.title}: unheard of for {policy.unheard_seconds / 3600:g} hours, taken for quiet"
    timeline = with_step(incident.timeline, policy, now, StepKind.NOTE, text, POLICY)
    incident = replace(
        incident,
        alerts=alerts,
        alerts_firing=firing,
        quiet_since=None if firing else max(incident.quiet_since or 0.0, row.heard_at),
        timeline=timeline,
    )
    return published(incident, now), replace(row, alert=part)


def row_of(
    alert: Alert,
    row: AlertRow | None,
    incident_id: str,
    part: IncidentAlert,
    now: float,
    policy: Policy,
) -> AlertRow:
    """The row of an alert after a state."""
    together, apart = (row.together, row.apart) if row else ([], [])
    return AlertRow(
        incident_id=incident_id,
        alert=part,
        heard_at=heard_at(alert, now),
        windows=sorted(alert.windows)[-ROW_WINDOWS_KEPT:],
        together=together[-policy.pairs_kept :],
        apart=apart[-policy.pairs_kept :],
    )


def shifted(row: AlertRow, by: float) -> AlertRow:
    """The row after a step of the partition's clock by so many seconds."""
    return replace(row, heard_at=row.heard_at + by)


def placed(alerts: list[IncidentAlert], part: IncidentAlert, policy: Policy) -> list[IncidentAlert]:
    """The alerts shown, the earliest ones, with one of them as it is now."""
    others = [one for one in alerts if one.fingerprint != part.fingerprint]
    found = sorted([*others, part], key=lambda one: (one.first_seen, one.fingerprint))
    return found[: policy.alerts_kept]


def _outbreak(
    incident: Incident,
    after: Incident,
    own: IncidentAlert | None,
    alert: Alert,
    now: float,
    policy: Policy,
) -> Incident:
    """The incident with a note if all of it was quiet for a while, and the alert fires again."""
    if policy.group_by != GROUP_BY_CAUSE or own is None or is_same_episode(alert, own):
        return after
    wait = alert.arrived_at - incident.last_arrived_at
    if incident.alerts_firing or wait < OUTBREAK_SECONDS:
        return after
    text = f"a new outbreak: {alert.title} fired again after {wait / 60:.0f} quiet minutes"
    timeline = with_step(after.timeline, policy, now, StepKind.NOTE, text, POLICY)
    return published(replace(after, timeline=timeline), now)


def _pages(
    incident: Incident, own: IncidentAlert | None, alert: Alert, now: float, policy: Policy
) -> bool:
    """True for an acknowledged fault that fires again after a long quiet time of its own.

    Where incidents are grouped by cause, also for one that nobody has acknowledged.
    """
    seen = incident.acknowledged_at is not None or policy.group_by == GROUP_BY_CAUSE
    if not seen or incident.flapping or is_snoozed(incident, now):
        return False
    if own is not None and is_same_episode(alert, own):
        return False
    after = policy.repage_after.get(incident.severity.nearest)
    quiet = _quiet_before(incident, own, alert)
    if after is None or quiet is None:
        return False
    return quiet >= after and now - incident.paged_at >= after


def _quiet_before(incident: Incident, own: IncidentAlert | None, alert: Alert) -> float | None:
    """The quiet seconds that an alert ended; None if other alerts fired meanwhile.

    Others hide no alert of the severity that was acknowledged; a more severe one is a rise.
    """
    if own is not None and alert.severity.rank == incident.severity.rank:
        return alert.arrived_at - own.last_arrived_at
    others = incident.alerts_firing - (_fires(own) if own else 0)
    return None if others > 0 else alert.arrived_at - incident.last_arrived_at


def _waits_for(incident: Incident, part: IncidentAlert, is_new: bool) -> int:
    """The least number of occurrences that an alert still needs; 0 once one had them."""
    if incident.ticketed or (incident.alerts_total and not incident.waits_for):
        return 0
    others = [one.needed for one in incident.alerts if one.fingerprint != part.fingerprint]
    if is_new and incident.waits_for:
        others.append(incident.waits_for)
    return min([part.needed, *others])


def _fires(part: IncidentAlert) -> int:
    return int(part.state is not AlertState.QUIET)


def _with_windows(
    known: list[tuple[int, int]],
    found: list[tuple[int, int]],
    since: list[tuple[int, int]],
    kept: int,
) -> list[tuple[int, int]]:
    """The windows with the difference between an alert's windows and those of its state before."""
    before = dict(since)
    oldest = min(before, default=None)
    counts = dict(known)
    for start, count in found:
        if oldest is not None and start < oldest:
            continue
        counts[start] = counts.get(start, 0) + count - before.get(start, 0)
    return sorted(counts.items())[-kept:]


def _with_samples(known: list[Sample], more: list[Sample], policy: Policy) -> list[Sample]:
    places = {_place(sample) for sample in known}
    added = [sample for sample in more if _place(sample) not in places]
    if not added:
        return known
    found = [*known, *added]
    first, latest = policy.samples_first_kept, policy.samples_latest_kept
    if len(found) <= first + latest:
        return found
    return found[:first] + found[len(found) - latest :]


def _place(sample: Sample) -> tuple[str, int, int, str]:
    return sample.topic, sample.partition, sample.offset, sample.message


def _with(known: list[str], more: Iterable[str]) -> list[str]:
    added = [name for name in more if name and name not in known]
    return [*known, *dict.fromkeys(added)] if added else known


def _sample(samples: list[Sample]) -> Sample | None:
    if not samples:
        return None
    first = samples[0]
    labels = "".join(
        (first.level, first.trace_id, first.span_id, first.endpoint, first.host, first.topic)
    )
    if is_plain(labels, LABEL_BYTES_MAX) and is_plain(first.message, SAMPLE_BYTES_MAX):
        return first
    return replace(
        first,
        message=bounded(first.message, SAMPLE_BYTES_MAX),
        level=bounded(first.level, LABEL_BYTES_MAX),
        trace_id=bounded(first.trace_id, LABEL_BYTES_MAX),
        span_id=bounded(first.span_id, LABEL_BYTES_MAX),
        endpoint=bounded(first.endpoint, LABEL_BYTES_MAX),
        host=bounded(first.host, LABEL_BYTES_MAX),
        topic=bounded(first.topic, LABEL_BYTES_MAX),
    )
