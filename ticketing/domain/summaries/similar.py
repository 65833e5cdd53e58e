"""Past incidents that resemble a present one, and how they were ended: for the next one's words."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind

TENANTS_MAX = 500
PER_TENANT_MAX = 200
WORDS_MAX = 60
NOTE_CHARS_MAX = 300
NOTES_MAX = 3
ALIKE_MIN = 0.4
SAME_SERVICE = 0.25
"""What belonging to the same service adds to the share of common words."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,40}")
_TOLD = frozenset({StepKind.RESOLVED, StepKind.COMMENT, StepKind.ACKNOWLEDGED, StepKind.ESCALATED})
_RULE = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is kept of a resolved incident. Times are Unix seconds; `notes` are people's words."""

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
    """What to keep of an incident; None of what is not resolved, or stands for many faults."""
    if incident.status is not Status.RESOLVED or incident.kind is not Kind.PATTERN:
        return None
    notes = [
        step.text[:NOTE_CHARS_MAX]
        for step in incident.timeline
        if step.kind in _TOLD and step.text and step.by != _RULE
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
    """The words of a pattern by which it is compared; what is masked is none."""
    found = (word.lower() for word in _WORD.findall(re.sub(r"<[^<>\s]{1,30}>", " ", pattern)))
    return frozenset(list(dict.fromkeys(found))[:WORDS_MAX])


def likeness(one: Past, incident: Incident, words: frozenset[str]) -> float:
    """From 0 to 2: the same fault is 2, else the share of common words and a bit for the service."""
    if one.fingerprint == incident.fingerprint:
        return 2.0
    together = len(one.words | words)
    share = len(one.words & words) / together if together else 0.0
    return share + (SAME_SERVICE if one.service == incident.service and share > 0 else 0.0)


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
        """Keep it if it is resolved; forget it if it has been reopened."""
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
        """It is no past incident any more."""
        tenant = self._tenant_of.pop(id, None)
        if tenant is not None:
            del self._tenants[tenant][id]

    def like(self, incident: Incident, limit: int = 3) -> list[Past]:
        """The most similar ones of the same tenant, best first; of equal ones the latest, and
        those with words on how they ended before those without."""
        words = words_of(incident.pattern)
        judged = [
            (likeness(one, incident, words), bool(one.notes), one.resolved_at, one)
            for one in self._tenants.get(incident.tenant, {}).values()
            if one.id != incident.id
        ]
        alike = sorted((j for j in judged if j[0] >= ALIKE_MIN), key=lambda j: j[:3], reverse=True)
        return [one for *_, one in alike[:limit]]
