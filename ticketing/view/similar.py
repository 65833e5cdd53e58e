"""Past incidents that resemble one, as the API shows them: how they ended, and what people noted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from ticketing.domain.summaries.similar import (
    ALIKE_MIN,
    NOTES_MAX,
    RULE,
    TELLING,
    Past,
    likeness,
    words_of,
)
from ticketing.view.query import Query, parse_time
from ticketing.wire.packed import UNREADABLE

RESOLVED = ("resolved",)
CANDIDATES_MAX = 60
"""The latest that share an alert, and the latest of the services: a fault that recurs is recent."""
SIMILAR_MAX = 5
"""More than somebody reads in the night."""


class _Alert(msgspec.Struct):
    fingerprint: str
    service: str


class _Step(msgspec.Struct):
    at: str
    kind: str
    by: str
    text: str


class Shown(msgspec.Struct, rename="camel"):
    """The fields of an incident's document that say what it is like, and how it ended."""

    id: str
    tenant_id: str
    service: str
    title: str
    severity: str
    fingerprint: str
    pattern: str
    created_at: str
    resolved_at: str | None = None
    resolution: str | None = None
    root_cause: str | None = None
    merged_into: str | None = None
    alerts: list[_Alert] = msgspec.field(default_factory=list)
    timeline: list[_Step] = msgspec.field(default_factory=list)


_shown = msgspec.json.Decoder(Shown)
_TELLING = frozenset(kind.value for kind in TELLING)


def read_shown(document: bytes) -> Shown | None:
    """The fields of an incident's document; None for one that can't be read."""
    try:
        return _shown.decode(document)
    except UNREADABLE:
        return None


def candidates(of: Shown) -> list[Query]:
    """The queries for resolved incidents of the same tenant that may be alike."""
    same = Query(statuses=RESOLVED, tenants=(of.tenant_id,), limit=CANDIDATES_MAX)
    alerts = dict.fromkeys([of.fingerprint, *(alert.fingerprint for alert in of.alerts)])
    services = dict.fromkeys([of.service, *(alert.service for alert in of.alerts)])
    return [replace(same, alerts=tuple(alerts)), replace(same, services=tuple(services))]


def alike(of: Shown, others: Iterable[Shown]) -> list[dict[str, Any]]:
    """The most similar of others as the API shows them, best first, then the latest."""
    words = words_of(of.pattern)
    judged = [
        (likeness(_past(one), of.fingerprint, of.service, words), one.resolved_at or "", one)
        for one in {other.id: other for other in others}.values()
        if one.id != of.id and one.tenant_id == of.tenant_id and not one.merged_into
    ]
    best = sorted((j for j in judged if j[0] >= ALIKE_MIN), key=lambda j: j[:2], reverse=True)
    return [_document(one, like) for like, _, one in best[:SIMILAR_MAX]]


def _past(one: Shown) -> Past:
    return Past(
        id=one.id,
        fingerprint=one.fingerprint,
        service=one.service,
        title=one.title,
        opened_at=0.0,
        resolved_at=0.0,
        words=words_of(one.pattern),
    )


def _document(one: Shown, like: float) -> dict[str, Any]:
    notes = [
        {"at": step.at, "by": step.by, "text": step.text}
        for step in one.timeline
        if step.kind in _TELLING and step.text and step.by != RULE
    ]
    ended = one.resolved_at
    return {
        "id": one.id,
        "title": one.title,
        "service": one.service,
        "severity": one.severity,
        "likeness": round(min(like, 1.0), 3),
        "createdAt": one.created_at,
        "resolvedAt": ended,
        "seconds": round(parse_time(ended) - parse_time(one.created_at), 3) if ended else None,
        "resolution": one.resolution,
        "rootCause": one.root_cause,
        "notes": notes[-NOTES_MAX:],
    }
