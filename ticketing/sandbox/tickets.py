"""The store of the sandbox: tickets of all platforms, bounded in number."""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

# Bounds of a sandbox's memory, far above what a test or a demo needs; the oldest go first.
TICKETS_MAX = 50_000
HISTORY_MAX = 200

_INCIDENT_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}-[0-9a-f]{16}(?![0-9a-f])")


def correlation_of(*candidates: str) -> str:
    """Our incident id if one of the texts has it, else the first text that is not empty."""
    for text in candidates:
        match = _INCIDENT_ID.search(text)
        if match:
            return match.group()
    return next((text for text in candidates if text), "")


def incident_id_in(*texts: str) -> str:
    """Our incident id in free text, or an empty string."""
    matches = (_INCIDENT_ID.search(text) for text in texts)
    return next((match.group() for match in matches if match), "")


@dataclass
class Ticket:
    """One alert, issue, incident row, message or ticket. Times are Unix seconds.

    `state` has the same values on every platform; `record` has the platform's own fields;
    `repeats` counts the creates that the platform joined to the ticket, `alarms` the times that it
    notified people.
    """

    platform: str
    id: str
    key: str
    correlation: str
    title: str
    state: str = "open"
    priority: str = ""
    url: str = ""
    repeats: int = 0
    alarms: int = 0
    opened_at: float = 0.0
    updated_at: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)
    history: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))

    @property
    def deleted(self) -> bool:
        """True for a removed ticket, which only the sandbox's page still shows."""
        return self.state == "deleted"


class Tickets:
    """All tickets by platform and id, oldest first; beyond `limit` the oldest are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time, limit: int = TICKETS_MAX) -> None:
        self.now = clock
        self.version = 0
        self.forgotten: Callable[[Ticket], None] = lambda ticket: None
        self._limit = limit
        self._by_id: OrderedDict[tuple[str, str], Ticket] = OrderedDict()
        self._by_platform: dict[str, dict[str, Ticket]] = {}
        self._by_correlation: dict[tuple[str, str], list[str]] = {}

    def add(self, ticket: Ticket, what: str) -> Ticket:
        """Keep a new ticket."""
        ticket.opened_at = ticket.updated_at = self.now()
        self._by_id[ticket.platform, ticket.id] = ticket
        self._by_platform.setdefault(ticket.platform, {})[ticket.id] = ticket
        if ticket.correlation:
            ids = self._by_correlation.setdefault((ticket.platform, ticket.correlation), [])
            ids.append(ticket.id)
        self.note(ticket, what)
        if len(self._by_id) > self._limit:
            self._forget(next(iter(self._by_id.values())))
        return ticket

    def _forget(self, ticket: Ticket) -> None:
        del self._by_id[ticket.platform, ticket.id]
        del self._by_platform[ticket.platform][ticket.id]
        ids = self._by_correlation.get((ticket.platform, ticket.correlation), [])
        if ticket.id in ids:
            ids.remove(ticket.id)
        if not ids:
            self._by_correlation.pop((ticket.platform, ticket.correlation), None)
        self.forgotten(ticket)

    def note(self, ticket: Ticket, what: str, state: str | None = None) -> None:
        """Write into a ticket's history; with `state`, also set the ticket's state."""
        if state is not None:
            ticket.state = state
        ticket.updated_at = self.now()
        ticket.history.append((ticket.updated_at, what))
        self.version += 1

    def get(self, platform: str, ticket_id: str) -> Ticket | None:
        """A ticket, deleted ones included."""
        return self._by_id.get((platform, ticket_id))

    def alive(self, platform: str, ticket_id: str) -> Ticket | None:
        """A ticket that the platform still knows."""
        ticket = self.get(platform, ticket_id)
        return None if ticket is None or ticket.deleted else ticket

    def of(self, platform: str) -> PlatformTickets:
        """The part of the store with one platform's tickets."""
        return PlatformTickets(self, platform)

    def living(self, platform: str) -> list[Ticket]:
        """A platform's tickets without the deleted ones, oldest first."""
        tickets = self._by_platform.get(platform, {}).values()
        return [ticket for ticket in tickets if not ticket.deleted]

    def listed(
        self, platform: str = "", correlation: str = "", limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Tickets as the page and tests see them, oldest first; `limit` keeps the newest."""
        if platform and correlation:
            ids = self._by_correlation.get((platform, correlation), [])
            chosen: Iterable[Ticket] = [self._by_id[platform, one] for one in ids]
        else:
            chosen = (
                ticket
                for ticket in self._by_id.values()
                if platform in ("", ticket.platform) and correlation in ("", ticket.correlation)
            )
        if limit is not None:
            chosen = deque(chosen, maxlen=limit)
        return [self.view(ticket) for ticket in chosen]

    def view(self, ticket: Ticket) -> dict[str, Any]:
        """One ticket as JSON; `duplicates` counts others of the same platform and correlation."""
        same = self._by_correlation.get((ticket.platform, ticket.correlation), [])
        return {
            "platform": ticket.platform,
            "id": ticket.id,
            "key": ticket.key,
            "correlation": ticket.correlation,
            "title": ticket.title,
            "state": ticket.state,
            "priority": ticket.priority,
            "url": ticket.url,
            "repeats": ticket.repeats,
            "duplicates": max(0, len(same) - 1),
            "openedAt": ticket.opened_at,
            "updatedAt": ticket.updated_at,
            "history": [{"at": at, "what": what} for at, what in ticket.history],
        }

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of tickets by platform and state."""
        counts: dict[str, dict[str, int]] = {}
        for ticket in self._by_id.values():
            states = counts.setdefault(ticket.platform, {})
            states[ticket.state] = states.get(ticket.state, 0) + 1
        return counts

    def reset(self) -> None:
        """Forget all tickets."""
        self._by_id.clear()
        self._by_platform.clear()
        self._by_correlation.clear()
        self.version += 1


class PlatformTickets:
    """One platform's tickets as its stand-in sees them: without deleted and forgotten ones."""

    def __init__(self, store: Tickets, platform: str) -> None:
        self.platform = platform
        self.now = store.now
        self.add = store.add
        self.note = store.note
        self._store = store

    def find(self, ticket_id: str) -> Ticket | None:
        """A living ticket by its id."""
        return self._store.alive(self.platform, ticket_id)

    def all(self) -> list[Ticket]:
        """All living tickets, oldest first."""
        return self._store.living(self.platform)
