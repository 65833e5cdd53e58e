"""The wait of a page for evidence, while somebody of the scope is awake already.

An incident of no higher severity than one that was told within `evidenceWait` may be a symptom of
that one: a verdict says so within a minute. It waits at most `evidenceWait` from the time when its
ticket was due. Times are Unix seconds of the partition's clock.
"""

from __future__ import annotations

from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.incidents.outbreaks import ScopeState, told_since
from ticketing.domain.incidents.policy import GROUP_BY_CAUSE, Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace

HEARD_SECONDS = 90.0
"""A scope whose last verdict came longer ago has none to wait for: one comes every minute at least."""


def waits(incident: Incident, state: ScopeState, now: float, policy: Policy) -> bool:
    """True if an incident whose ticket is due is to wait for a verdict."""
    if policy.group_by != GROUP_BY_CAUSE or incident.ticketed or incident.collective_id:
        return False
    if now >= (incident.evidence_until or incident.ticket_at + policy.evidence_wait):
        return False
    if now - state.heard_at > HEARD_SECONDS:
        return False
    return told_since(state, incident.severity, now - policy.evidence_wait, now)


def waiting(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident with its ticket after the wait; not yet published."""
    if incident.evidence_until:
        return replace(incident, ticket_at=incident.evidence_until)
    until = incident.ticket_at + policy.evidence_wait
    text = "another incident was told just now: waits for evidence that it is another fault"
    timeline = with_step(incident.timeline, policy, now, StepKind.HELD, text)
    return replace(incident, evidence_until=until, ticket_at=until, timeline=timeline)
