"""Chooses the incidents that a platform enabled later is to get tickets for."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from ticketing.domain.incidents.incident import Incident, Status
from ticketing.domain.severity import Severity


def without_ticket(
    incidents: Iterable[Incident], platform: str, severities: Container[Severity]
) -> Iterator[Incident]:
    """The open incidents that have tickets, but none on the platform, although they belong there.

    Those belong there whose severity is routed to the platform by now (`severities`), or that were
    routed to it while it was not enabled.
    """
    for incident in incidents:
        ticket = incident.tickets.get(platform)
        held = ticket is not None and bool(ticket.external_id)
        belongs = platform in incident.routes or incident.severity in severities
        if incident.ticketed and incident.status is not Status.RESOLVED and belongs and not held:
            yield incident
