"""Routes a published incident to the topics of platforms."""

from __future__ import annotations

from typing import Protocol


class Routed(Protocol):
    """The part of an incident that decides its routing."""

    @property
    def ticketed(self) -> bool:
        """True if platforms are to hold tickets for the incident."""

    @property
    def routes(self) -> list[str]:
        """Every platform that the incident was ever routed to."""


def platforms_for(incident: Routed) -> list[str]:
    """The platforms that are to hold a ticket for the incident, in the order of its routing.

    All platforms that the incident was ever routed to, so that a change of the routing orphans no
    ticket. None before its ticket time, nor while its cause's ticket covers it.
    """
    return list(dict.fromkeys(incident.routes)) if incident.ticketed else []
