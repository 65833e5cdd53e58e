"""An incident's row and snapshot stay within their bounds, whatever life brings, and say what went."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.configured import policy_with
from support.fuzz import fuzz
from support.incidents import anomalies
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from sinks.delivery.wishes import slim
from tables.incidents import MARKS_BYTES_MAX, decode, encode
from ticketing.domain.events import Action, Command, Correlation, Receipt, Summary, TicketState
from ticketing.domain.incidents.bounds import RECORD_BYTES_MAX
from ticketing.domain.incidents.incident import Incident, Status, StepKind
from ticketing.domain.incidents.linking import Linked, Word
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import (
    Candidate,
    Findings,
    Hop,
    Moment,
    Peer,
    Relation,
    SampleTrace,
)
from ticketing.engine.statemachine import TICK_KEY
from ticketing.view.document import detail_document
from ticketing.wire import signals
from ticketing.wire.incidents import decode_incident

POLICY = policy_with(
    routing={severity: ("slack", "jira", "pagerduty") for severity in Severity},
    escalation_to=("opsgenie", "payments-team"),
    max_patterns_per_service=0,
    max_pages_per_minute=0,
)
ROW_BYTES_MAX = RECORD_BYTES_MAX + MARKS_BYTES_MAX + 100
"""With the names of the parts."""
ID = "aa-0-0"


class Desk:
    """The writer of one partition with one incident; what it publishes is decoded by its readers."""

    def __init__(self) -> None:
        self.partition = MemoryPartition(IncidentMachine(POLICY, partitions=1))
        self.offset = 0
        self.published: list[bytes] = []
        self.send(anomalies("aa", 1))

    def send(self, *bodies: Any, key: bytes | None = None) -> None:
        value = signals.encode_signals(list(bodies))
        record = Record(value, self.offset, 1_000_000 + 10_000 * self.offset, key)
        self.offset += 1
        sent = self.partition.fold([record])
        self.published += [value for _, name, value, _ in sent if name == ID and value]

    def one(self) -> Incident:
        return self.partition.incidents()["aa"]

    def check(self) -> None:
        for row in self.partition.table.rows.values():
            assert len(row) < ROW_BYTES_MAX + 100
        for value in self.published:
            assert len(value) <= RECORD_BYTES_MAX
            found = decode_incident(value)
            assert decode(encode(found)) == found
            assert len(msgspec.json.encode(detail_document(found))) < 4 * RECORD_BYTES_MAX
            assert len(msgspec.json.encode(slim(found))) <= RECORD_BYTES_MAX
        self.published.clear()


def comment(number: int, note: str, **changes: Any) -> Command:
    known = Command(id=f"c{number}", incident_id=ID, action=Action.COMMENT, by="ada", note=note)
    return replace(known, **changes)


@pytest.mark.parametrize("character", ["a", '"', "\x00", "\x01a", "界", "😀"])
def test_forty_long_comments_leave_the_first_and_the_newest_steps(character: str) -> None:
    desk = Desk()
    for number in range(44):
        desk.send(comment(number, f"{number} {character * 4_000}"[:4_000]))
        desk.check()
    incident = desk.one()
    assert incident.timeline[0].kind is StepKind.OPENED
    assert incident.timeline[-1].text.startswith("43")
    assert [outcome.id for outcome in incident.commands] == [f"c{n}" for n in range(28, 44)]
    assert (incident.count, incident.status) == (1, Status.OPEN)


def test_the_record_says_what_went() -> None:
    desk = Desk()
    line = Moment(at=1.0, service="s", message="x" * 400)
    request = SampleTrace(
        trace_id="t", at=1.0, seconds=1.0, spans=1, services=1, depth=1, failed=True,
        why="failed", method="ids", timeline=[line] * 40,
    )  # fmt: skip
    found = Findings(since=0.0, until=1.0, traces=1, samples=[request] * 4)
    desk.send(Correlation(tenant="t", service="s", fingerprint="aa", findings=found))
    samples = [Sample(at=1.0, message="x" * 3_000, offset=n) for n in range(2, 8)]
    desk.send(anomalies("aa", *range(2, 8), samples=samples))
    for number in range(20):
        desk.send(comment(number, f"{number} " + "x" * 3_900))
    desk.check()
    document = detail_document(desk.one())
    assert document["leftOut"] == {"steps": 11, "evidence": ["samples", "traces"]}
    facts = {fact["name"]: fact["text"] for fact in document["facts"]}
    assert facts["left_out"].startswith(
        "11 earlier steps of the timeline; parts of the evidence: samples, traces"
    )
    assert desk.one().samples[-1].offset == 7


TEXTS = st.builds(
    lambda kind, times: kind * times,
    st.sampled_from(
        ["", "a", '"', "\\", "\n", "\x00", "\x1b[31m", "é", "界", "😀", "<*>", "\u202e"]
    ),
    st.sampled_from([0, 1, 17, 500, 4_000, 20_000]),
)
NAMES = st.text(max_size=20) | st.sampled_from(["slack", "jira", "payments-team"])
FINGERPRINTS = st.sampled_from([f"{number:016x}" for number in range(60)])


def listed(values: st.SearchStrategy[Any], most: int = 70) -> st.SearchStrategy[list[Any]]:
    """A list of one value many times, or of a few."""
    return st.builds(lambda value, times: [value] * times, values, st.integers(0, most)) | st.lists(
        values, max_size=3
    )


@st.composite
def findings(draw: st.DrawFn) -> Findings:
    names = listed(TEXTS)
    hops = listed(st.builds(Hop, service=TEXTS, endpoint=TEXTS))
    moments = st.builds(Moment, at=st.just(1.0), service=TEXTS, endpoint=TEXTS, message=TEXTS)
    request = st.builds(
        SampleTrace,
        trace_id=TEXTS, at=st.just(1.0), seconds=st.just(1.0), spans=st.just(1),
        services=st.just(1), depth=st.just(1), failed=st.booleans(), why=TEXTS, method=TEXTS,
        path=hops, timeline=listed(moments),
    )  # fmt: skip
    since = draw(st.integers(0, 50))
    return Findings(
        since=since,
        until=since + 1.0,
        traces=draw(st.integers(0, 100)),
        samples=draw(listed(request, 6)),
        path=draw(hops),
        affected_services=draw(names),
        affected_endpoints=draw(names),
        causal_chain=draw(names),
        candidates=draw(
            listed(st.builds(Candidate, service=TEXTS, score=st.just(1.0), reasons=names))
        ),
        peers=draw(
            listed(
                st.builds(
                    Peer,
                    fingerprint=FINGERPRINTS,
                    service=st.text(max_size=256),
                    relation=st.sampled_from(Relation),
                    traces=st.integers(1, 9),
                )
            )
        ),
    )


COMMANDS = st.builds(
    Command,
    id=st.text(max_size=40),
    incident_id=st.just(ID),
    action=st.sampled_from(Action),
    by=TEXTS,
    note=TEXTS,
    to=listed(NAMES | TEXTS),
)
RECEIPTS = st.builds(
    Receipt,
    incident_id=st.just(ID),
    platform=st.text(max_size=10),
    state=st.sampled_from(TicketState),
    revision=st.integers(0, 99),
    external_id=TEXTS,
    key=TEXTS,
    url=TEXTS,
    error=TEXTS,
    on_call=TEXTS,
)
SUMMARIES = st.builds(
    Summary,
    incident_id=st.just(ID),
    revision=st.integers(0, 99),
    generated_by=TEXTS,
    title=TEXTS,
    text=TEXTS,
    root_cause=TEXTS,
    impact=TEXTS,
    steps=listed(TEXTS),
    tags=listed(TEXTS),
)
CORRELATIONS = st.builds(
    Correlation,
    tenant=st.just("t"),
    service=st.just("s"),
    fingerprint=st.just("aa"),
    findings=findings(),
)
LINKED = st.builds(
    Linked,
    word=st.sampled_from(Word),
    tenant=st.just("t"),
    to_fingerprint=st.just("aa"),
    to_service=st.just("s"),
    id=FINGERPRINTS.map(lambda name: f"{name}-0-1"),
    fingerprint=FINGERPRINTS,
    service=st.text(max_size=256),
    title=TEXTS,
    relation=st.sampled_from(Relation),
    routes=listed(NAMES),
)
SAMPLES = st.builds(
    Sample, at=st.just(1.0), message=TEXTS, level=TEXTS, trace_id=TEXTS, endpoint=TEXTS, host=TEXTS
)
EVIDENCE = st.fixed_dictionaries(
    {
        "title": TEXTS,
        "pattern": TEXTS,
        "environment": TEXTS,
        "samples": listed(SAMPLES),
        "trace_ids": st.lists(TEXTS, max_size=9),
        "endpoints": st.lists(TEXTS, max_size=9),
        "affected_services": st.lists(TEXTS, max_size=9),
        "severity": st.sampled_from(Severity),
        "source": st.integers(0, 3_000).map(lambda number: f"AbCdEfGhIjKlMnOpQrStUv:{number}:3"),
    }
)
EVENTS = st.one_of(COMMANDS, RECEIPTS, SUMMARIES, CORRELATIONS, LINKED, EVIDENCE, st.none())


@pytest.mark.fuzz
@settings(fuzz(0.01), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_a_life_of_any_texts_in_any_order_stays_within_the_bounds(events: list[Any]) -> None:
    desk = Desk()
    counted, offset = 1, 100
    before = desk.one()
    for event in events:
        if event is None:
            desk.send(key=TICK_KEY)
        elif isinstance(event, dict):
            offset += 1
            counted += 1
            desk.send(anomalies("aa", offset, **event))
        else:
            desk.send(event)
        desk.check()
        after = desk.one()
        if after.id == before.id:
            assert after.count == counted
            assert after.timeline[0].kind is StepKind.OPENED
            assert set(before.tickets) <= set(after.tickets)
            assert before.routes == after.routes[: len(before.routes)]
            assert after.watermarks.items() >= {
                (name, at) for name, at in before.watermarks.items() if name != event_source(event)
            }
        before = after


def event_source(event: Any) -> str:
    """The source that an event counts from."""
    return str(event["source"]) if isinstance(event, dict) else ""


@pytest.mark.fuzz
@settings(fuzz(0.01), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 2**63 - 1)), max_size=30))
def test_watermarks_come_back_in_their_order(marks: list[tuple[int, int]]) -> None:
    names = ("AbCdEfGhIjKlMnOpQrStUv:{}:3", "other:{}:3", "other:{}:4", "no-parts-{}", "x:0{}:1")
    known = {names[at % 5].format(number): at for number, at in marks}
    incident = replace(Desk().one(), watermarks=known)
    found = decode(encode(incident))
    assert isinstance(found, Incident)
    assert list(found.watermarks.items()) == list(known.items())


def test_the_marks_raised_last_stay_where_there_are_too_many() -> None:
    desk = Desk()
    for number in chain(range(2_500), [7]):
        source = f"AbCdEfGhIjKlMnOpQrStUv:{number}:3"
        desk.send(anomalies("aa", 10**15 + number + desk.offset, source=source))
    desk.check()
    kept = list(desk.one().watermarks)
    assert len(kept) > 700
    assert kept[-2:] == ["AbCdEfGhIjKlMnOpQrStUv:2499:3", "AbCdEfGhIjKlMnOpQrStUv:7:3"]
    assert desk.one().count == 2_502
