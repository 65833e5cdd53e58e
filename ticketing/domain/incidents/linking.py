"""Links between incidents of a scope that share requests, for people to see."""

from __future__ import annotations

from ticketing.domain.incidents.incident import Incident, Link, StepKind
from ticketing.domain.incidents.lifecycle import published
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.records import replace
from ticketing.domain.text import bounded
from ticketing.domain.traces.findings import Peer, Relation

# More than people look through, and a line of a title.
LINKS_MAX = 20
UNLINKED_MAX = 50
TITLE_BYTES_MAX = 120

OPPOSITE = {
    Relation.CAUSE: Relation.SYMPTOM,
    Relation.SYMPTOM: Relation.CAUSE,
    Relation.SAME: Relation.SAME,
    Relation.RELATED: Relation.RELATED,
}


def linked(incident: Incident, other: Incident, peer: Peer, now: float) -> Incident:
    """The incident linked with another one, in which `peer` is an alert."""
    if other.id == incident.id or peer.fingerprint in incident.unlinked:
        return incident
    known = next((link for link in incident.links if link.id == other.id), None)
    if known is None and len(incident.links) >= LINKS_MAX:
        return incident
    relation = peer.relation
    if known is not None and relation.nearest is Relation.RELATED:
        relation = known.relation
    link = Link(
        fingerprint=known.fingerprint if known else peer.fingerprint,
        service=other.service,
        id=other.id,
        title=bounded(other.title, TITLE_BYTES_MAX),
        relation=relation,
        traces=max(known.traces if known else 0, peer.traces),
    )
    if link == known:
        return incident
    links = [*(one for one in incident.links if one.id != other.id), link]
    links.sort(key=lambda one: (-one.traces, one.fingerprint))
    return published(replace(incident, links=links), now)


def opposite(peer: Peer, incident: Incident) -> Peer:
    """The incident as a peer of its peer."""
    relation = OPPOSITE[peer.relation.nearest]
    return replace(
        peer, fingerprint=incident.fingerprint, service=incident.service, relation=relation
    )


def unlinked_from(incident: Incident, other_id: str, now: float, policy: Policy) -> Incident:
    """The incident without its links to another one, for good; not yet published."""
    gone = [link for link in incident.links if link.id == other_id]
    if not gone:
        return incident
    names = dict.fromkeys([*incident.unlinked, *(link.fingerprint for link in gone)])
    text = f"from {other_id}"
    return replace(
        incident,
        unlinked=list(names)[-UNLINKED_MAX:],
        links=[link for link in incident.links if link.id != other_id],
        timeline=with_step(incident.timeline, policy, now, StepKind.UNLINKED, text),
    )
