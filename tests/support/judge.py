"""The judge of an installation in memory that has come to rest: exact, one of each, final."""

from __future__ import annotations

from collections import Counter

from support.pipeline import Pipeline, Traffic
from support.processes import INPUT, Detection
from support.simulated_platform import PLATFORM

from sinks.delivery import reconcile
from sinks.platform import Repeat, Traits
from tables.deliveries import Operation
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, IncidentAlert, Status
from ticketing.wire import topics


def check(pipeline: Pipeline, traffic: Traffic, traits: Traits) -> None:
    """Everything that must hold in the end, whatever has happened."""
    check_conservation(pipeline, traffic)
    check_alerts(pipeline)
    check_incidents(pipeline)
    check_tickets(pipeline, traits)
    for topic in {tp.topic for tp in pipeline.world.committed}:
        assert pipeline.world.lag(topic) == 0, topic
    letters = list(pipeline.world.read(topics.DEAD_LETTERS))
    assert len(letters) >= traffic.bad


def check_conservation(pipeline: Pipeline, traffic: Traffic) -> None:
    """Each record is below the threshold, counted in one alert of one incident, or a dead letter."""
    fed = sum(1 for _ in pipeline.world.read(INPUT))
    (first, *_) = pipeline.roles["detection"].processes
    assert isinstance(first, Detection)
    totals = first.totals()
    assert totals.records == fed
    counted = sum(traffic.truth.values())
    assert totals.records == totals.below + counted + sum(totals.dead.values())
    found: Counter[tuple[str, str, str, str]] = Counter()
    for incident in pipeline.incidents():
        for alert in incident.alerts:
            key = incident.tenant, incident.environment, alert.service, _message(traffic, alert)
            found[key] += alert.count
    assert found == Counter(traffic.truth)
    for incident in pipeline.incidents():
        assert incident.count == sum(alert.count for alert in incident.alerts), incident.id


def _message(traffic: Traffic, alert: IncidentAlert) -> str:
    """The message of a fault by the title of its alert."""
    (found,) = {m for _, _, _, m in traffic.truth if m.lower() == alert.title.lower()}
    return found


def check_alerts(pipeline: Pipeline) -> None:
    """The topic has every alert as its counter has it, and so has the alert's incident."""
    alerts = {alert.fingerprint: alert for alert in pipeline.alerts()}
    published = pipeline.published_alerts()
    assert set(published) == set(alerts)
    held: dict[str, list[tuple[Incident, IncidentAlert]]] = {}
    for incident in pipeline.incidents():
        for part in incident.alerts:
            held.setdefault(part.fingerprint, []).append((incident, part))
    for fingerprint, alert in alerts.items():
        shown = published[fingerprint]
        assert (shown.version, shown.count, shown.state) == (
            alert.version,
            alert.count,
            alert.state,
        )
        latest = max(held[fingerprint], key=lambda pair: (pair[1].version, pair[0].opened_at))[1]
        assert latest.episode == alert.episode, fingerprint
        assert latest.state is alert.state, fingerprint
        assert latest.count - latest.before == alert.count, fingerprint


def check_incidents(pipeline: Pipeline) -> None:
    """The topic has every incident as its writer has it; an alert is in one open incident."""
    incidents = pipeline.incidents()
    published = pipeline.published()
    assert set(published) == {incident.id for incident in incidents}
    open_with: Counter[str] = Counter()
    for incident in incidents:
        shown = published[incident.id]
        assert (shown.revision, shown.count, shown.status) == (
            incident.revision,
            incident.count,
            incident.status,
        )
        if incident.status is not Status.RESOLVED:
            open_with.update(alert.fingerprint for alert in incident.alerts)
    assert not [name for name, count in open_with.items() if count > 1]


def check_tickets(pipeline: Pipeline, traits: Traits) -> None:
    """Each incident has its one ticket on the platform, in the right state, and knows it."""
    published, deliveries = pipeline.published(), pipeline.deliveries()
    for incident in pipeline.incidents():
        if PLATFORM not in incident.routes or not incident.ticketed:
            continue
        tickets = pipeline.platform.of(incident.id)
        if not tickets and incident.status is Status.RESOLVED:
            continue
        assert tickets, f"{incident.id} has no ticket"
        assert all(ticket.marked for ticket in tickets[1:]), "a repeat that does not say so"
        if traits.repeat is not Repeat.MARKED:
            assert len(tickets) == 1, f"{incident.id} has {len(tickets)} tickets"
        delivery = deliveries[incident.id]
        assert delivery.intent is None
        assert delivery.want is not None
        assert delivery.want.status is published[incident.id].status
        assert delivery.have is not None
        target = reconcile.target(incident, traits)
        known = next(t for t in tickets if t.id == delivery.have.external_id)
        if target is not TicketState.ESCALATED or Operation.ESCALATE in traits.operations:
            assert known.state is target
            assert delivery.have.state is target
        assert incident.tickets[PLATFORM].external_id == known.id
        assert incident.tickets[PLATFORM].state is delivery.have.state
