"""Incidents and alerts as the API shows them: camelCase JSON, times in ISO-8601 UTC."""

from __future__ import annotations

from typing import Any

from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Summary
from ticketing.domain.incidents.commands import ACTION_RULES, allowed_actions
from ticketing.domain.incidents.incident import (
    CommandOutcome,
    Failure,
    Incident,
    IncidentAlert,
    Link,
    Listed,
    NamedCause,
    Status,
    Step,
    Ticket,
)
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.domain.incidents.undelivered import Undelivered, undelivered
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.summaries.by_rules import RULES, in_words
from ticketing.domain.summaries.facts import Fact, facts_of
from ticketing.domain.traces.findings import (
    Attribution,
    Candidate,
    Edge,
    Findings,
    Hop,
    Moment,
    SampleTrace,
)
from ticketing.view.standing import why_no_ticket
from ticketing.view.times import iso, iso_or_none

PRIORITIES = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.MEDIUM: "P3",
    Severity.LOW: "P4",
}
SPARKLINE_WINDOWS = 24
"""Bars of the sparkline in the console's list; the detail document has all kept windows."""


def list_document(incident: Incident) -> dict[str, Any]:
    """The document of an incident in a list.

    `actions` are the actions allowed in the incident's status: name, following status (null where
    the status stays), and the field that the request needs (null without one).
    """
    return {
        "id": incident.id,
        "severity": incident.severity.value,
        "status": incident.status.value,
        "service": incident.service,
        "title": incident.title,
        "anomalyScore": incident.max_score,
        "affectedServices": incident.reach or [incident.service],
        "traceId": incident.trace_ids[0] if incident.trace_ids else None,
        "createdAt": iso(incident.opened_at),
        "updatedAt": iso(incident.updated_at),
        "platforms": incident.routes,
        "tenantId": incident.tenant,
        "environment": incident.environment,
        "priority": PRIORITIES[incident.severity.nearest],
        "kind": incident.kind.value,
        "revision": incident.revision,
        "count": incident.count,
        "alertsTotal": incident.alerts_total,
        "alertsFiring": incident.alerts_firing,
        "alertServices": _alert_services(incident),
        "windows": _windows(incident.windows[-SPARKLINE_WINDOWS:]),
        "firstSeen": iso(incident.first_seen),
        "lastSeen": iso(incident.last_seen),
        "tickets": [_ticket(ticket) for ticket in incident.tickets.values()],
        "undelivered": [_undelivered(one) for one in undelivered(incident)],
        "rootCause": incident.root_cause or None,
        "ticketed": incident.ticketed,
        "waitingFor": _waiting(incident.waits_for),
        "sporadic": incident.sporadic,
        "noTicket": why_no_ticket(incident) or None,
        "collectiveId": incident.collective_id or None,
        "heldAt": iso(incident.held_at) if incident.held_at else None,
        "listed": incident.listed,
        "endsAt": iso_or_none(incident.ends_at),
        "previous": incident.previous or None,
        "splitFrom": incident.split_from or None,
        "mergedInto": incident.merged_into or None,
        "page": incident.page,
        "pagedAt": iso(incident.paged_at) if incident.paged_at else None,
        "quietly": incident.quietly,
        "ticketAt": iso(incident.ticket_at),
        "assignees": incident.assignees,
        "snoozedUntil": iso(incident.snoozed_until) if incident.snoozed_until else None,
        "flapping": incident.flapping,
        "acknowledgedAt": iso_or_none(incident.acknowledged_at),
        "escalatedAt": iso_or_none(incident.escalated_at),
        "escalatedTo": incident.escalated_to,
        "resolvedAt": iso_or_none(incident.resolved_at),
        "resolution": incident.resolution.value if incident.resolution else None,
        "actions": _actions(incident.status),
    }


def detail_document(incident: Incident, listed: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document of an incident; `listed` is its document in a list, if there is one already.

    The last block repeats fields under the names of LogClaw's incident.v1 document, for its
    readers.
    """
    shown = listed or list_document(incident)
    summary = in_words(incident)
    first = incident.samples[0] if incident.samples else None
    return {
        **shown,
        "fingerprint": incident.fingerprint,
        "scope": incident.scope,
        "pattern": incident.pattern,
        "alerts": [_incident_alert(alert) for alert in incident.alerts],
        "lists": [_entry(entry) for entry in incident.lists],
        "merged": incident.merged,
        "staysOn": incident.stays_on,
        "quietSince": iso_or_none(incident.quiet_since),
        "config": incident.config,
        "endpoints": incident.endpoints,
        "reopenings": [iso(at) for at in incident.reopenings],
        "timeline": [_step(step) for step in incident.timeline],
        "leftOut": {
            "steps": steps_left_out(incident.timeline),
            "evidence": incident.left_out,
        },
        "trace": {"ids": incident.trace_ids, "correlation": _correlation(incident.correlation)},
        "cause": _cause(incident.cause) if incident.cause else None,
        "links": [_link(link) for link in incident.links],
        "unlinked": incident.unlinked,
        "attributions": [_attribution(one) for one in incident.attributions],
        "counts": {"total": incident.count, "windows": _windows(incident.windows)},
        "evidence": [_sample(sample) for sample in incident.samples],
        "failures": [_failure(failure) for failure in incident.failures],
        "commands": [_outcome(outcome) for outcome in incident.commands],
        "summary": _summary(summary),
        "facts": [_fact(fact) for fact in facts_of(incident)],
        "ticket_id": incident.id,
        "@timestamp": shown["createdAt"],
        "tenant_id": incident.tenant,
        "description": summary.text,
        "anomaly_type": incident.kind.value,
        "anomaly_score": incident.max_score,
        "affected_services": shown["affectedServices"],
        "affected_endpoint": incident.endpoints[0] if incident.endpoints else "",
        "causal_chain": incident.correlation.causal_chain if incident.correlation else [],
        "trace_id": shown["traceId"] or "",
        "error_message": first.message if first else "",
        "created_at": shown["createdAt"],
        "updated_at": shown["updatedAt"],
        **({"resolved_at": shown["resolvedAt"]} if shown["resolvedAt"] else {}),
    }


def alert_document(alert: Alert) -> dict[str, Any]:
    """The document of an alert in its present episode."""
    return {
        "fingerprint": alert.fingerprint,
        "tenantId": alert.tenant,
        "environment": alert.environment,
        "service": alert.service,
        "pattern": alert.pattern,
        "title": alert.title,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "kind": alert.kind.value,
        "episode": alert.episode,
        "revision": alert.revision,
        "count": alert.count,
        "frames": alert.frames,
        "anomalyScore": alert.max_score,
        "firstSeen": iso(alert.first_seen),
        "lastSeen": iso(alert.last_seen),
        "arrivedAt": iso(alert.arrived_at),
        "lastArrivedAt": iso(alert.last_arrived_at),
        "quietAt": iso_or_none(alert.quiet_at),
        "waitingFor": _waiting(alert.needed),
        "windows": _windows(alert.windows),
        "minutes": _windows(alert.minutes),
        "evidence": [_sample(sample) for sample in alert.samples],
        "traceIds": alert.trace_ids,
        "endpoints": alert.endpoints,
        "affectedServices": alert.affected_services,
        "leftOut": alert.left_out,
        "config": alert.config,
    }


def _incident_alert(alert: IncidentAlert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "service": alert.service,
        "title": alert.title,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "kind": alert.kind.value,
        "episode": alert.episode,
        "count": alert.count,
        "firstSeen": iso(alert.first_seen),
        "lastSeen": iso(alert.last_seen),
        "lastArrivedAt": iso(alert.last_arrived_at),
        "waitingFor": _waiting(alert.needed),
        "minutes": _windows(alert.minutes),
        "evidence": _sample(alert.sample) if alert.sample else None,
        "reason": alert.reason,
        "topic": alert.topic,
        "partition": alert.partition,
        "offset": alert.offset,
        "config": alert.config,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {"name": fact.name, "label": fact.label, "text": fact.text}


def _entry(entry: Listed) -> dict[str, Any]:
    return {
        "id": entry.id,
        "tenantId": entry.tenant,
        "service": entry.service,
        "title": entry.title,
        "severity": entry.severity.value,
        "at": iso(entry.at),
    }


def _alert_services(incident: Incident) -> list[str]:
    """The services of the alerts, the one where it began first."""
    names = [incident.service, *(alert.service for alert in incident.alerts)]
    return [name for name in dict.fromkeys(names) if name]


def _waiting(occurrences: int) -> dict[str, int] | None:
    return {"occurrences": occurrences} if occurrences else None


def _actions(status: Status) -> list[dict[str, Any]]:
    rules = [(action, ACTION_RULES[action]) for action in allowed_actions(status)]
    return [
        {
            "name": action.value,
            "leadsTo": rule.leads_to.value if rule.leads_to else None,
            "needs": rule.needs,
        }
        for action, rule in rules
    ]


def _correlation(found: Findings | None) -> dict[str, Any] | None:
    if found is None:
        return None
    radius = found.blast_radius
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "traces": found.traces,
        "method": found.method,
        "rootCause": _candidate(found.root_cause) if found.root_cause else None,
        "candidates": [_candidate(one) for one in found.candidates],
        "causalChain": found.causal_chain,
        "path": [_hop(hop) for hop in found.path],
        "edges": [_edge(edge) for edge in found.edges],
        "affectedServices": found.affected_services,
        "affectedEndpoints": found.affected_endpoints,
        "blastRadius": {
            "services": radius.services,
            "endpoints": radius.endpoints,
            "tenants": radius.tenants,
            "failingShare": radius.failing_share,
            "failingShareBefore": radius.failing_share_before,
            "requests": radius.requests,
        },
        "samples": [_sample_trace(one) for one in found.samples],
    }


def _cause(cause: NamedCause) -> dict[str, Any]:
    return {
        "service": cause.service,
        "strength": cause.strength,
        "at": iso(cause.at),
        "reasons": cause.reasons,
    }


def _attribution(one: Attribution) -> dict[str, Any]:
    return {
        "since": iso(one.since),
        "until": iso(one.until),
        "candidates": [_candidate(candidate) for candidate in one.candidates],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "service": one.service,
        "score": one.score,
        "share": one.share,
        "reasons": one.reasons,
    }


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "service": hop.service,
        "endpoint": hop.endpoint,
        "at": iso(hop.at),
        "milliseconds": round(hop.seconds * 1000, 3),
        "ownMilliseconds": round(hop.own_seconds * 1000, 3),
        "failed": hop.failed,
        "depth": hop.depth,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "caller": edge.caller,
        "callee": edge.callee,
        "requests": edge.requests,
        "failed": edge.failed,
    }


def _sample_trace(one: SampleTrace) -> dict[str, Any]:
    return {
        "traceId": one.trace_id,
        "at": iso(one.at),
        "milliseconds": round(one.seconds * 1000, 3),
        "spans": one.spans,
        "services": one.services,
        "depth": one.depth,
        "failed": one.failed,
        "why": one.why,
        "method": one.method,
        "path": [_hop(hop) for hop in one.path],
        "calls": [_hop(hop) for hop in one.calls],
        "timeline": [_moment(line) for line in one.timeline],
        "omitted": one.omitted,
        "skewed": one.skewed,
    }


def _moment(line: Moment) -> dict[str, Any]:
    return {
        "at": iso(line.at),
        "service": line.service,
        "endpoint": line.endpoint,
        "level": line.level,
        "message": line.message,
        "depth": line.depth,
        "score": line.score,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "id": link.id or None,
        "fingerprint": link.fingerprint,
        "service": link.service,
        "title": link.title,
        "relation": link.relation.value,
        "traces": link.traces,
    }


def _windows(windows: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [{"start": iso(start), "count": count} for start, count in windows]


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "platform": ticket.platform,
        "state": ticket.state.value,
        "revision": ticket.revision,
        "externalId": ticket.external_id,
        "key": ticket.key,
        "url": ticket.url,
        "error": ticket.error,
        "onCall": ticket.on_call,
        "updatedAt": iso(ticket.at),
    }


def _undelivered(one: Undelivered) -> dict[str, Any]:
    return {"platform": one.platform, "reason": one.reason, "since": iso(one.since)}


def _step(step: Step) -> dict[str, Any]:
    return {
        "seq": step.seq,
        "at": iso(step.at),
        "kind": step.kind.value,
        "by": step.by,
        "text": step.text,
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at": iso(sample.at),
        "message": sample.message,
        "level": sample.level,
        "score": sample.score,
        "traceId": sample.trace_id,
        "spanId": sample.span_id,
        "endpoint": sample.endpoint,
        "host": sample.host,
        "topic": sample.topic,
        "partition": sample.partition,
        "offset": sample.offset,
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "platform": failure.platform,
        "reason": failure.reason,
        "text": failure.text,
        "at": iso(failure.at),
    }


def _outcome(outcome: CommandOutcome) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "applied": outcome.applied,
        "status": outcome.status.value,
        "at": iso(outcome.at),
        "reason": outcome.reason,
        "action": outcome.action.value if outcome.action else None,
    }


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "generatedBy": summary.generated_by,
        "generated": summary.generated_by != RULES,
        "revision": summary.revision,
        "title": summary.title,
        "text": summary.text,
        "rootCause": summary.root_cause,
        "impact": summary.impact,
        "steps": summary.steps,
        "severity": summary.severity.value if summary.severity else None,
        "tags": summary.tags,
    }
