"""The incident as the API shows it: camelCase JSON, times in ISO-8601 UTC."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ticketing.domain.events import Summary
from ticketing.domain.incidents.commands import ACTION_RULES, allowed_actions
from ticketing.domain.incidents.incident import (
    CommandOutcome,
    Failure,
    Incident,
    Link,
    Status,
    Step,
    Ticket,
)
from ticketing.domain.incidents.timeline import steps_left_out
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.summaries.by_rules import RULES, in_words
from ticketing.domain.summaries.facts import facts_of
from ticketing.domain.traces.findings import (
    Attribution,
    Candidate,
    Findings,
    Hop,
    Moment,
    SampleTrace,
)

PRIORITIES = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.MEDIUM: "P3",
    Severity.LOW: "P4",
}
SPARKLINE_WINDOWS = 24
"""Bars of the sparkline in the console's list; the detail document has all kept windows."""


def iso(seconds: float) -> str:
    """Unix seconds as ISO-8601 in UTC, to the millisecond, within the range of datetime."""
    bounded = min(max(seconds, 0.0), 253402300799.0)
    moment = datetime.fromtimestamp(round(bounded, 3), timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(seconds: float | None) -> str | None:
    """As `iso`, with None for None."""
    return None if seconds is None else iso(seconds)


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
        "episode": incident.episode,
        "count": incident.count,
        "windows": _windows(incident.windows[-SPARKLINE_WINDOWS:]),
        "firstSeen": iso(incident.first_seen),
        "lastSeen": iso(incident.last_seen),
        "tickets": [_ticket(ticket) for ticket in incident.tickets.values()],
        "rootCause": _root_cause(incident.correlation),
        "ticketed": incident.ticketed,
        "waitingFor": {"occurrences": incident.waits_for} if incident.waits_for else None,
        "heldBy": incident.held_by or None,
        "held": incident.held,
        "flapping": incident.flapping,
        "acknowledgedAt": iso_or_none(incident.acknowledged_at),
        "escalatedAt": iso_or_none(incident.escalated_at),
        "escalatedTo": incident.escalated_to,
        "resolvedAt": iso_or_none(incident.resolved_at),
        "actions": _actions(incident.status),
    }


def detail_document(incident: Incident) -> dict[str, Any]:
    """The whole document of an incident.

    The last block repeats fields under the names of LogClaw's incident.v1 document, for its
    readers.
    """
    shown = list_document(incident)
    summary = in_words(incident)
    first = incident.samples[0] if incident.samples else None
    return {
        **shown,
        "fingerprint": incident.fingerprint,
        "pattern": incident.pattern,
        "endpoints": incident.endpoints,
        "reopenings": [iso(at) for at in incident.reopenings],
        "timeline": [_step(step) for step in incident.timeline],
        "leftOut": {
            "steps": steps_left_out(incident.timeline),
            "evidence": incident.left_out,
        },
        "trace": {"ids": incident.trace_ids, "correlation": _correlation(incident.correlation)},
        "links": [_link(link) for link in incident.links],
        "unlinked": incident.unlinked,
        "symptoms": incident.symptoms,
        "attributions": [_attribution(one) for one in incident.attributions],
        "counts": {"total": incident.count, "windows": _windows(incident.windows)},
        "evidence": [_sample(sample) for sample in incident.samples],
        "failures": [_failure(failure) for failure in incident.failures],
        "commands": [_outcome(outcome) for outcome in incident.commands],
        "summary": _summary(summary),
        "facts": [asdict(fact) for fact in facts_of(incident)],
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


def _root_cause(found: Findings | None) -> str | None:
    return found.root_cause.service if found is not None and found.root_cause else None


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
