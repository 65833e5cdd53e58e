"""The summaries agent and its reader of the past: what they make of records, good and bad."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from support.incidents import incident, resolved
from support.records import Record

from agents.past_incidents import PastIncidents
from agents.summaries import SummariesAgent
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.summaries.similar import Memory
from ticketing.wire.incidents import encode_incident

INCIDENT = incident("aa", id="aa-0-7")
RESOLVED = resolved(INCIDENT, 1060.0)


class Noted:
    def __init__(self) -> None:
        self.incidents: list[Incident] = []

    def note(self, incident: Incident) -> None:
        self.incidents.append(incident)


def record(key: bytes, value: bytes | None) -> Record:
    return Record(value, key=key)


async def test_the_last_good_snapshot_of_each_incident_is_noted() -> None:
    noted: Any = Noted()
    nothing: Any = None
    agent = SummariesAgent(nothing, nothing, nothing, noted)
    other = replace(INCIDENT, id="bb-0-8", fingerprint="bb")
    batch = [
        record(b"aa-0-7", encode_incident(INCIDENT)),
        record(b"x", b"not json"),
        record(b"gone", None),
        record(b"aa-0-7", encode_incident(replace(INCIDENT, revision=2))),
        record(b"bb-0-8", encode_incident(other)),
    ]
    await asyncio.wait_for(agent.handle(batch, nothing), 60)
    assert [(one.id, one.revision) for one in noted.incidents] == [("aa-0-7", 2), ("bb-0-8", 1)]


def test_the_past_is_what_is_resolved_now() -> None:
    memory = Memory()
    nothing: Any = None
    past = PastIncidents(nothing, memory)

    def note(value: bytes | None) -> int:
        past._note("aa-0-7", value)
        return len(memory)

    resolved = encode_incident(RESOLVED)
    assert note(encode_incident(INCIDENT)) == 0
    assert note(resolved) == 1
    assert note(encode_incident(replace(INCIDENT, revision=3))) == 0
    assert note(resolved) == 1
    assert note(b'{"status":"resolved", but no incident') == 0
    assert note(resolved) == 1
    assert note(None) == 0
    # Somebody else's words about a status make no past of it.
    assert note(encode_incident(replace(INCIDENT, title='"status":"resolved"'))) == 0
