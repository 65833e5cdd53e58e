"""Links between incidents that share requests, and symptoms held behind their cause's ticket.

Writers of different partitions talk in messages that may be lost or come twice, late or in any
order. So nothing rests on a single message: a symptom is held by a lease and must ask for another
again and again. A cause grants a lease only while it has a ticket and is not held itself. An
incident that once had a ticket is never held, hence no circle of incidents can wait for each other.
Times are Unix seconds of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ticketing.domain.incidents.incident import Incident, Kind, Link, Status, StepKind
from ticketing.domain.incidents.lifecycle import POLICY, published, raised, routed, ticketed
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.incidents.timeline import with_step
from ticketing.domain.open_enum import OpenEnum
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Peer, Relation

# Two questions may be lost before a lease ends; a symptom whose cause is gone has a ticket within
# three minutes.
LEASE_SECONDS = 180.0
ASK_EVERY_SECONDS = 60.0

# Bounds of the record's lists, more than people look through, and of a title in a message.
LINKS_MAX = 20
UNLINKED_MAX = 50
SYMPTOMS_MAX = 200
TITLE_CHARS_MAX = 120

OPPOSITE = {
    Relation.CAUSE: Relation.SYMPTOM,
    Relation.SYMPTOM: Relation.CAUSE,
    Relation.SAME: Relation.SAME,
    Relation.RELATED: Relation.RELATED,
}


class Word(OpenEnum):
    """A message of one incident's writer to another's; an unknown one changes nothing."""

    HELLO = "hello"
    """We share requests, and this is who I am."""
    ASK = "ask"
    """You are my cause: speak for me."""
    ACCEPT = "accept"
    REFUSE = "refuse"
    RELEASE = "release"
    """I am resolved: speak for yourself."""
    UNLINK = "unlink"
    """Somebody says that we have nothing to do with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A message from one incident to another; `relation` is the sender's to the receiver.

    The receiver is the incident `to_id`, or, if that is empty, the current one of `to_fingerprint`.
    """

    word: Word
    tenant: str
    to_fingerprint: str
    to_service: str
    id: str
    fingerprint: str
    service: str
    to_id: str = ""
    title: str = ""
    relation: Relation = Relation.RELATED
    traces: int = 0
    severity: Severity = Severity.LOW
    routes: list[str] = field(default_factory=list)


Said = tuple[Incident, list[Linked]]
"""The next incident, the very same if nothing changed, and the messages of its writer."""


def met(incident: Incident, peers: list[Peer], now: float, policy: Policy) -> Said:
    """The incident linked with its peers, and greetings to them; one may be asked to cover it."""
    known = {link.fingerprint: link for link in incident.links}
    said = []
    for peer in peers:
        if peer.fingerprint in incident.unlinked or peer.fingerprint == incident.fingerprint:
            continue
        link = known.get(peer.fingerprint)
        if link is None and len(known) >= LINKS_MAX:
            continue
        before = link or Link(fingerprint=peer.fingerprint, service=peer.service)
        relation = before.relation if _only_relates(peer.relation) else peer.relation
        linked = replace(before, relation=relation, traces=max(before.traces, peer.traces))
        known[peer.fingerprint] = linked
        if link is None or linked.relation != before.relation or not linked.id:
            said.append(_say(Word.HELLO, incident, linked))
    after = _with_links(incident, list(known.values()))
    if after is not incident:
        after = published(after, now)
    after, wish = _asking(after, policy)
    return after, [*said, *wish]


def _asking(incident: Incident, policy: Policy) -> Said:
    """An incident that may be held asks its cause, once."""
    speaker = _speaker(incident)
    if not policy.hold_symptoms or speaker is None or not _may_be_held(incident):
        return incident, []
    if incident.asked == speaker.fingerprint:
        return incident, []
    incident = replace(incident, asked=speaker.fingerprint)
    return incident, [_say(Word.ASK, incident, speaker)]


def told(incident: Incident, message: Linked, now: float, policy: Policy) -> Said:
    """The incident after another's message, and the answers."""
    unlinked = message.fingerprint in incident.unlinked
    if message.word is Word.ASK:
        return _asked(incident, message, now, policy)
    if message.word is Word.HELLO and not unlinked:
        return _greeted(incident, message, now, policy)
    if message.word is Word.ACCEPT and not unlinked:
        return _accepted(incident, message, now, policy), []
    if message.word is Word.REFUSE:
        if incident.asked == message.fingerprint:
            incident = replace(incident, asked="")
        if not incident.held_by.startswith(f"{message.fingerprint}-"):
            return incident, []
        return _let_go(
            incident, incident.held_by, now, policy, "no longer covered by its cause's ticket"
        ), []
    if message.word is Word.RELEASE:
        return _let_go(incident, message.id, now, policy, "its cause is resolved"), []
    if message.word is Word.UNLINK:
        return unlinked_from(incident, message.fingerprint, now, policy), []
    return incident, []


def nobody(message: Linked) -> list[Linked]:
    """The answer to a message for an unknown incident: nobody can be covered by that one."""
    return [_answer(Word.REFUSE, message, "")] if message.word is Word.ASK else []


def asking_again(incident: Incident, now: float) -> Said:
    """The incident, and, if it is held and the time has come, its question for another lease."""
    if not is_leased(incident) or now < ask_at(incident):
        return incident, []
    link = _link_to(incident, incident.held_by)
    if link is None:
        return incident, []
    return replace(incident, asked_at=now), [_say(Word.ASK, incident, link)]


def lapsed(incident: Incident, now: float, policy: Policy) -> Incident:
    """The incident, ticketed by itself once its lease has run out."""
    if not is_leased(incident) or now < incident.held_until:
        return incident
    return _let_go(incident, incident.held_by, now, policy, "its cause did not answer")


def is_leased(incident: Incident) -> bool:
    """True while the incident is covered by its cause's ticket."""
    return bool(incident.held_by) and incident.held_until > 0 and not incident.ticketed


def ask_at(incident: Incident) -> float:
    """The time at which a held incident asks for another lease."""
    return incident.asked_at + ASK_EVERY_SECONDS


def released(incident: Incident) -> list[Linked]:
    """The messages of a resolved incident to the symptoms that its ticket covered."""
    return [
        Linked(
            word=Word.RELEASE,
            tenant=incident.tenant,
            to_fingerprint=id.split("-", 1)[0],
            to_service="",
            to_id=id,
            id=incident.id,
            fingerprint=incident.fingerprint,
            service=incident.service,
        )
        for id in incident.symptoms
    ]


def unlinked_from(incident: Incident, fingerprint: str, now: float, policy: Policy) -> Incident:
    """The incident without its link to another, for good; an incident held by the other is let go."""
    if fingerprint in incident.unlinked:
        return incident
    link = next((link for link in incident.links if link.fingerprint == fingerprint), None)
    names = [*incident.unlinked, fingerprint][-UNLINKED_MAX:]
    links = [link for link in incident.links if link.fingerprint != fingerprint]
    symptoms = [id for id in incident.symptoms if not id.startswith(f"{fingerprint}-")]
    text = f"from {link.id or link.service}" if link else f"from {fingerprint}"
    incident = replace(
        incident,
        unlinked=names,
        links=links,
        symptoms=symptoms,
        asked="" if incident.asked == fingerprint else incident.asked,
        timeline=with_step(incident.timeline, policy, now, StepKind.UNLINKED, text),
    )
    if is_leased(incident) and incident.held_by.startswith(f"{fingerprint}-"):
        return _let_go(incident, incident.held_by, now, policy, "the link was undone")
    return published(incident, now)


def unlinking(incident: Incident, link: Link) -> Linked:
    """The message of an incident to a linked one when somebody undoes the link."""
    return _say(Word.UNLINK, incident, link)


def _greeted(incident: Incident, message: Linked, now: float, policy: Policy) -> Said:
    known = next((link for link in incident.links if link.fingerprint == message.fingerprint), None)
    if known is None and len(incident.links) >= LINKS_MAX:
        return incident, []
    before = known or Link(fingerprint=message.fingerprint, service=message.service)
    own = before.relation
    link = replace(
        before,
        id=message.id,
        title=message.title,
        relation=message.relation if _only_relates(own) else own,
        traces=max(before.traces, message.traces),
    )
    if link == known:
        return incident, []
    others = [one for one in incident.links if one.fingerprint != message.fingerprint]
    incident = published(_with_links(incident, [*others, link]), now)
    # A new peer may not know this incident yet. A known one gets no greeting, so greetings end.
    said = [_say(Word.HELLO, incident, link)] if known is None or not known.id else []
    incident, wish = _asking(incident, policy)
    return incident, [*said, *wish]


def _asked(incident: Incident, message: Linked, now: float, policy: Policy) -> Said:
    if not _may_speak_for(incident, message):
        return incident, [_answer(Word.REFUSE, message, incident.id)]
    after = incident
    if message.id not in after.symptoms:
        timeline = with_step(
            after.timeline, policy, now, StepKind.GROUPED, f"covers {message.id}", POLICY
        )
        after = replace(after, symptoms=[*after.symptoms, message.id], timeline=timeline)
    after = raised(after, message.severity, now, policy)
    after = routed(after, message.routes, now, policy)
    after = ticketed(after, now, policy, "a symptom waits for this ticket")
    if after is not incident:
        after = published(after, now)
    return after, [_answer(Word.ACCEPT, message, after.id)]


def _may_speak_for(incident: Incident, message: Linked) -> bool:
    """True for an open incident that is not held; of two that ask each other, the lower one."""
    if incident.status is Status.RESOLVED or incident.held_by:
        return False
    if message.fingerprint in incident.unlinked or incident.id == message.id:
        return False
    known = message.id in incident.symptoms
    if not known and len(incident.symptoms) >= SYMPTOMS_MAX:
        return False
    mutual = incident.asked == message.fingerprint and not incident.ticketed
    return not mutual or incident.fingerprint < message.fingerprint


def _accepted(incident: Incident, message: Linked, now: float, policy: Policy) -> Incident:
    if incident.held_by == message.id and is_leased(incident):
        return replace(incident, held_until=now + LEASE_SECONDS)
    if incident.asked != message.fingerprint or not _may_be_held(incident):
        return incident
    text = f"a symptom of {message.id}, covered by its ticket"
    incident = replace(
        incident,
        held_by=message.id,
        held_until=now + LEASE_SECONDS,
        asked="",
        asked_at=now,
        timeline=with_step(incident.timeline, policy, now, StepKind.HELD, text, POLICY),
    )
    return published(incident, now)


def _only_relates(relation: Relation) -> bool:
    return relation.nearest is Relation.RELATED


def _may_be_held(incident: Incident) -> bool:
    waits = not incident.ticketed and not incident.held_by and not incident.symptoms
    if incident.waits_for:
        return False  # Its cause would get a ticket for what deserves none yet.
    return waits and incident.status is not Status.RESOLVED and incident.kind is Kind.FAULT


def _let_go(incident: Incident, holder: str, now: float, policy: Policy, why: str) -> Incident:
    if not is_leased(incident) or incident.held_by != holder:
        return incident
    incident = replace(incident, held_by="", held_until=0.0, asked="")
    if incident.status is Status.RESOLVED:
        return published(incident, now)
    return published(ticketed(incident, now, policy, why), now)


def _speaker(incident: Incident) -> Link | None:
    """The link whose incident may cover this one: its cause, else the first with the same cause.

    Of several the lowest fingerprint, so that all incidents turn to the same one.
    """
    causes = [link for link in incident.links if link.relation is Relation.CAUSE]
    same = [
        link
        for link in incident.links
        if link.relation is Relation.SAME and link.fingerprint < incident.fingerprint
    ]
    return min(causes or same, key=lambda link: link.fingerprint, default=None)


def _link_to(incident: Incident, id: str) -> Link | None:
    fingerprint = id.split("-", 1)[0]
    return next((link for link in incident.links if link.fingerprint == fingerprint), None)


def _with_links(incident: Incident, links: list[Link]) -> Incident:
    ordered = sorted(links, key=lambda link: (-link.traces, link.fingerprint))
    return incident if ordered == incident.links else replace(incident, links=ordered)


def _say(word: Word, incident: Incident, link: Link) -> Linked:
    return Linked(
        word=word,
        tenant=incident.tenant,
        to_fingerprint=link.fingerprint,
        to_service=link.service,
        id=incident.id,
        fingerprint=incident.fingerprint,
        service=incident.service,
        title=incident.title[:TITLE_CHARS_MAX],
        relation=OPPOSITE[link.relation.nearest],
        traces=link.traces,
        severity=incident.severity,
        routes=list(incident.routes),
    )


def _answer(word: Word, message: Linked, id: str) -> Linked:
    return Linked(
        word=word,
        tenant=message.tenant,
        to_fingerprint=message.fingerprint,
        to_service=message.service,
        to_id=message.id,
        id=id,
        fingerprint=message.to_fingerprint,
        service=message.to_service,
    )
