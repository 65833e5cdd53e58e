"""Pages that did not get through: platforms that were to hold a ticket and do not."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.fallback import HOLDING, NOT_IN_TIME, REJECTED, failed
from ticketing.domain.incidents.incident import Incident, Status

FAILING = "failing"
"""The platform is tried again and again (sinks.delivery.receipts)."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A platform without the ticket of a lasting incident: why, and since when (Unix s)."""

    platform: str
    reason: str
    """`rejected`, `not_in_time` or `failing`."""
    since: float


def undelivered(incident: Incident) -> list[Undelivered]:
    """The platforms that an incident did not reach, in the order of its routes."""
    if not incident.ticketed or incident.status is Status.RESOLVED or incident.merged_into:
        return []
    late = {failure.platform: failure.at for failure in failed(incident)}
    found = []
    for name in incident.routes:
        ticket = incident.tickets.get(name)
        if ticket is not None and ticket.state in HOLDING:
            continue
        if ticket is not None and ticket.state is TicketState.REJECTED:
            found.append(Undelivered(name, REJECTED, ticket.at))
        elif name in late:
            found.append(Undelivered(name, NOT_IN_TIME, late[name]))
        elif ticket is not None and ticket.error:
            found.append(Undelivered(name, FAILING, ticket.at))
    return found
