"""Past incidents that resemble a present one, with people's notes on how they ended."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind

# Bounds of memory: every summaries worker remembers the latest incidents of all tenants.
TENANTS_MAX = 500
PER_TENANT_MAX = 200
WORDS_MAX = 60
NOTE_CHARS_MAX = 300
NOTES_MAX = 3

ALIKE_MIN = 0.4
"""Likeness from which on a past incident is shown: fewer common words are any error's."""
SAME_SERVICE = 0.25
"""Added to the share of common words for the same service; never enough alone."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,40}")
TELLING = frozenset(
    {StepKind.RESOLVED, StepKind.COMMENT, StepKind.ACKNOWLEDGED, StepKind.ESCALATED}
)
RULE = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The memory of a resolved incident. Times are Unix seconds; `notes` are people's words."""

    id: str
    fingerprint: str
    service: str
    title: str
    opened_at: float
    resolved_at: float
    cause: str = ""
    notes: list[str] = field(default_factory=list)
    words: frozenset[str] = frozenset()


def past(incident: Incident) -> Past | None:
    """The memory of an incident; None if it is not resolved, or stands for many faults."""
    if incident.status is not Status.RESOLVED or incident.kind is not Kind.FAULT:
        return None
    notes = [
        step.text[:NOTE_CHARS_MAX]
        for step in incident.timeline
        if step.kind in TELLING and step.text and step.by != RULE
    ]
    summary = incident.summary
    return Past(
        id=incident.id,
        fingerprint=incident.fingerprint,
        service=incident.service,
        title=incident.title,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at or incident.updated_at,
        cause=summary.root_cause if summary else "",
        notes=notes[-NOTES_MAX:],
        words=words_of(incident.pattern),
    )


def words_of(pattern: str) -> frozenset[str]:
    """The words by which a pattern is compared, without masked parts."""
    found = (word.lower() for word in _WORD.findall(re.sub(r"<[^<>\s]{1,30}>", " ", pattern)))
    return frozenset(list(dict.fromkeys(found))[:WORDS_MAX])


def likeness(one: Past, fingerprint: str, service: str, words: frozenset[str]) -> float:
    """The likeness, from 0 to 2, to the words and the service of an incident.

    2 for the same fault, else the share of common words, and SAME_SERVICE.
    """
    if one.fingerprint == fingerprint:
        return 2.0
    together = len(one.words | words)
    share = len(one.words & words) / together if together else 0.0
    return share + (SAME_SERVICE if one.service == service and share > 0 else 0.0)


class Memory:
    """Resolved incidents by tenant, the latest of each tenant that was heard of lately."""

    def __init__(self, tenants: int = TENANTS_MAX, per_tenant: int = PER_TENANT_MAX) -> None:
        self._tenants_max = tenants
        self._per_tenant_max = per_tenant
        self._tenants: OrderedDict[str, OrderedDict[str, Past]] = OrderedDict()
        self._tenant_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._tenant_of)

    def note(self, incident: Incident) -> None:
        """Remember a resolved incident; forget one that was reopened."""
        found = past(incident)
        if found is None:
            self.forget(incident.id)
            return
        kept = self._tenants.setdefault(incident.tenant, OrderedDict())
        kept[incident.id] = found
        kept.move_to_end(incident.id)
        self._tenant_of[incident.id] = incident.tenant
        self._tenants.move_to_end(incident.tenant)
        while len(kept) > self._per_tenant_max:
            self.forget(next(iter(kept)))
        while len(self._tenants) > self._tenants_max:
            _, gone = self._tenants.popitem(last=False)
            for id in gone:
                del self._tenant_of[id]

    def forget(self, id: str) -> None:
        """Forget an incident that is no past one any more."""
        tenant = self._tenant_of.pop(id, None)
        if tenant is not None:
            del self._tenants[tenant][id]

    def like(self, incident: Incident, limit: int = 3) -> list[Past]:
        """The most similar incidents of the same tenant, best first; of equals those with notes, then
        the latest."""
        words = words_of(incident.pattern)
        judged = [
            (
                likeness(one, incident.fingerprint, incident.service, words),
                bool(one.notes),
                one.resolved_at,
                one,
            )
            for one in self._tenants.get(incident.tenant, {}).values()
            if one.id != incident.id
        ]
        alike = sorted((j for j in judged if j[0] >= ALIKE_MIN), key=lambda j: j[:3], reverse=True)
        return [one for *_, one in alike[:limit]]
