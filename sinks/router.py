"""Routes a published incident to the topics of platforms."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol


class Routed(Protocol):
    """The part of an incident that decides its routing."""

    @property
    def ticketed(self) -> bool:
        """True if platforms are to hold tickets for the incident."""

    @property
    def routes(self) -> list[str]:
        """Every platform that the incident was ever routed to."""


def platforms_for(incident: Routed, enabled: Container[str]) -> tuple[list[str], list[str]]:
    """The platforms that are to hold a ticket for the incident, and those not enabled any more.

    Each in the order of its routing: all platforms that the incident was ever routed to, so that a
    change of the routing orphans no ticket. None before its ticket time, nor while its cause's
    ticket covers it. A stored name is no configuration: a platform that is not enabled gets
    nothing, and may have no topic.
    """
    named = dict.fromkeys(incident.routes) if incident.ticketed else {}
    return [one for one in named if one in enabled], [one for one in named if one not in enabled]
