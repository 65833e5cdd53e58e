"""Which platform topics a published incident goes to."""

from __future__ import annotations

from typing import Protocol


class Routed(Protocol):
    """What of an incident decides where it goes."""

    @property
    def ticketed(self) -> bool:
        """Whether platforms are to hold tickets for it."""

    @property
    def routes(self) -> list[str]:
        """Every platform it was ever routed to."""


def platforms_for(incident: Routed) -> list[str]:
    """The platforms that are to hold a ticket for the incident, in the order it was routed.

    Every platform it was ever routed to, so that a change of the routing orphans no ticket; none
    before its ticket time, nor while another incident's ticket speaks for it.
    """
    return list(dict.fromkeys(incident.routes)) if incident.ticketed else []
