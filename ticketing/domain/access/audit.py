"""The audit: who asked for what, from where, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ticketing.domain.access.principal import Kind, Principal, Role
from ticketing.domain.open_enum import OpenEnum

SUBJECTS_MAX = 500
"""As many as one request can name."""
TEXT_CHARS_MAX = 200
"""Of a name, an address or a route."""
_REFUSALS = frozenset({401, 403, 429})
_FAILURES_FROM = 400
"""The first HTTP status that is not a success."""


class Outcome(OpenEnum):
    """The outcome of a request. An unknown one is shown as it is."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed to the sender."""
    FAILED = "failed"
    """Allowed, and impossible: a wrong value, a state that forbids it, a service that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request. `at` is Unix seconds; `subjects` are ids of incidents or letters, names of tokens."""

    at: float
    who: str
    role: Role
    kind: Kind
    address: str
    """The sender's, as the worker sees it: behind a proxy that of the proxy."""
    route: str
    """The method and the path, such as `POST /api/incidents/{id}/resolve`, or the command."""
    outcome: Outcome
    status: int = 0
    """The HTTP status; 0 for a command."""
    subjects: list[str] = field(default_factory=list)


UNKNOWN = Principal(name="", role=Role.VIEWER, kind=Kind("unknown"))
"""The sender of a request with a wrong credential."""


def entry_of(
    principal: Principal,
    *,
    at: float,
    route: str,
    address: str = "",
    status: int = 0,
    subjects: Sequence[str] = (),
) -> Entry:
    """The entry of a request, bounded."""
    return Entry(
        at=at,
        who=principal.name[:TEXT_CHARS_MAX],
        role=principal.role,
        kind=principal.kind,
        address=address[:TEXT_CHARS_MAX],
        route=route[:TEXT_CHARS_MAX],
        outcome=outcome_of(status),
        status=status,
        subjects=[subject[:TEXT_CHARS_MAX] for subject in subjects[:SUBJECTS_MAX]],
    )


def outcome_of(status: int) -> Outcome:
    """The outcome that an HTTP status tells."""
    if status < _FAILURES_FROM:
        return Outcome.DONE
    return Outcome.REFUSED if status in _REFUSALS else Outcome.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter of entries; an empty string and None are no condition. Times are Unix seconds."""

    who: str = ""
    incident: str = ""
    outcome: str = ""
    since: float | None = None
    until: float | None = None

    def __call__(self, entry: Entry) -> bool:
        """True for an entry that meets every condition; `since` is inclusive, `until` is not."""
        return (
            (not self.who or self.who == entry.who)
            and (not self.incident or self.incident in entry.subjects)
            and (not self.outcome or self.outcome == entry.outcome.value)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )
