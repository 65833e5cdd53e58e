"""The summaries agent and its reader of the past: what they make of records, good and bad."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.every_field import whole
from support.incidents import incident, resolved
from support.records import Record

from agents import summaries
from agents.past_incidents import PastIncidents
from agents.summaries import SummariesAgent
from ticketing.domain.events import Summary
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


@pytest.mark.parametrize("id", ["aa-4-1", "aa-999999-1", "x", "aa-b-c"])
async def test_a_summary_of_an_incident_of_elsewhere_is_not_sent(
    id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partition is not there: the send would end the process, again and again."""
    sent: list[str] = []
    made: list[Any] = []

    async def send(topic: str, *rest: Any) -> Any:
        sent.append(topic)
        return asyncio.sleep(0)

    def summarizer(config: Any, tell: Any, memory: Any) -> Any:
        made.append(tell)
        return SimpleNamespace(run=None)

    monkeypatch.setattr(summaries.Summarizer, "of", summarizer)
    app: Any = SimpleNamespace(
        fence=SimpleNamespace(check=lambda: None),
        producer=SimpleNamespace(send=send),
        watchdog=None,
        task=lambda run: None,
    )
    runtime: Any = SimpleNamespace(config=None, partitions=4)
    summaries.add_summaries(app, runtime)
    told = replace(whole(Summary), incident_id=id)
    await made[0](told)
    assert sent == []
    await made[0](replace(told, incident_id="aa-3-1"))
    assert sent == ["ticketing-signals"]
