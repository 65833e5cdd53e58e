"""The routes of an incident: the platforms for its severity."""

from __future__ import annotations

from collections.abc import Iterable

from ticketing.domain.incidents.policy import Policy
from ticketing.domain.severity import Severity


def routes_for(severity: Severity, policy: Policy) -> list[str]:
    """The enabled platforms of a severity, in the configured order, each once."""
    return extended([], policy.routing.get(severity.nearest, ()), policy)


def extended(routes: list[str], names: Iterable[str], policy: Policy) -> list[str]:
    """The routes plus those names that are enabled platforms; the same list if nothing is new.

    Routes are only ever added: a platform that holds a ticket keeps following its incident.
    """
    known = set(routes)
    added = []
    for name in names:
        if name in policy.platforms and name not in known:
            known.add(name)
            added.append(name)
    return [*routes, *added] if added else routes
