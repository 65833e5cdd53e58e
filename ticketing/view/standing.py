"""The reason why an incident has no ticket of its own, for people."""

from __future__ import annotations

from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.view.times import iso


def why_no_ticket(incident: Incident) -> str:
    """The reason why no platform is to hold a ticket now, as a sentence; empty if one is to."""
    if incident.merged_into:
        return f"Its alerts went to {incident.merged_into}, which has the tickets."
    if incident.kind is Kind.STRAY:
        return "Lines of stack traces that came as records of their own page nobody."
    if not incident.routes:
        return f"No platform is routed at severity {incident.severity.value}."
    if incident.ticketed:
        return ""
    if incident.status is Status.RESOLVED:
        return "It was resolved before its ticket was due."
    if incident.waits_for:
        return f"It waits for {incident.waits_for} occurrences within one window."
    if incident.sporadic:
        return (
            "It comes no more often than before (sporadic): it waits until evidence says that it"
            " does, for a cause that explains it, or for a record without a request; an hour at most"
            " while it recurs."
        )
    if incident.collective_id:
        return (
            "It opened above the ceiling of pages: the collective incident"
            f" {incident.collective_id} lists it until there is room."
        )
    if incident.evidence_until:
        until = iso(incident.evidence_until)
        return (
            f"It waits for evidence that it is another fault than the one just told, until {until}."
        )
    return f"It waits for further anomalies until {iso(incident.ticket_at)}."
