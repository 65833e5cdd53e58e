"""Incidents as a newer release may publish them: full, with an unknown value in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from support.every_field import Path, places, replaced
from support.life import Clock
from support.story import Story

from ticketing.domain.events import Basis, Summary, TicketState
from ticketing.domain.incidents.incident import Incident, Link, Ticket
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import Candidate, Findings, Peer, Relation
from ticketing.wire.incidents import decode_incident, encode_incident

NEW = "of_a_newer_release"
OTHER = "fedcba9876543210"


def full(clock: Clock | None = None) -> Incident:
    """An open incident by the writer's own rules, with links, tickets, findings and a summary."""
    story = Story(clock or Clock())
    story.commented()
    findings = Findings(
        since=1.0,
        until=2.0,
        traces=3,
        candidates=[Candidate(service="db", score=1.0)],
        peers=[Peer(fingerprint=OTHER, service="db", relation=Relation.CAUSE, traces=3)],
    )
    link = Link(
        fingerprint=OTHER, service="db", id=f"{OTHER}-1-7", relation=Relation.CAUSE, traces=3
    )
    summary = Summary(
        incident_id=story.incident.id,
        revision=1,
        generated_by="model",
        title="A title",
        text="A text",
        severity=Severity.HIGH,
        basis=Basis(severity=Severity.HIGH, count=1, at=1.0),
    )
    ticket = Ticket(platform="acme", state=TicketState.OPEN, key="A-1", url="http://acme/A-1")
    return replace(
        story.incident,
        correlation=findings,
        links=[link],
        summary=summary,
        tickets={"acme": ticket},
    )


def newer(incident: Incident) -> Iterator[tuple[str, Incident]]:
    """The incident with an unknown value, once for each place of an enum in it."""
    document = json.loads(encode_incident(incident))
    for path, _ in enum_places():
        found = replaced(document, path, NEW)
        yield ".".join(map(str, path)), decode_incident(json.dumps(found).encode())


def enum_places() -> list[tuple[Path, type]]:
    """Every place of an enum in an incident, in the first element of each list and mapping."""
    return [
        (tuple("acme" if key == "text" else key for key in path), kind)
        for path, kind in places(Incident, Enum)
    ]
