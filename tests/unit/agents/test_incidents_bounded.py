"""An incident's row and snapshot stay within their bounds, whatever life brings, and say what went."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.configured import policy_with
from support.fuzz import fuzz
from support.incidents import alert, later
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from sinks.delivery.wishes import slim
from tables.incidents import decode, encode
from ticketing.domain.events import Action, Command, Correlation, Receipt, Summary, TicketState
from ticketing.domain.incidents.bounds import RECORD_BYTES_MAX
from ticketing.domain.incidents.incident import Incident, Kind, Status, StepKind
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.scope import scope_of
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import (
    Candidate,
    Edge,
    Findings,
    Hop,
    Moment,
    Peer,
    Relation,
    SampleTrace,
)
from ticketing.engine.statemachine import TICK_KEY
from ticketing.view.document import detail_document
from ticketing.wire.events import encode_events
from ticketing.wire.incidents import decode_incident

POLICY = policy_with(
    routing={severity: ("slack", "jira", "pagerduty") for severity in Severity},
    escalation_to=("opsgenie", "payments-team"),
    max_pages_per_scope=0,
    max_pages_per_minute=0,
)
ROW_BYTES_MAX = RECORD_BYTES_MAX + 100
"""With the names of the parts."""
ALERT_BYTES_MAX = 16_000
"""A row of an alert whose names are as long as names may be."""
SCOPE = scope_of("t", "")


class Desk:
    """The writer of one partition with one incident; what it publishes is decoded by its readers."""

    def __init__(self) -> None:
        self.partition = MemoryPartition(IncidentMachine(POLICY, partitions=1, topic_id="e"))
        self.offset = 0
        self.published: list[bytes] = []
        self.state = alert("aa", 1)
        self.send(self.state)
        (self.id,) = self.partition.incidents()

    def send(self, *bodies: Any, key: bytes | None = None) -> None:
        value = encode_events(list(bodies))
        record = Record(value, self.offset, 1_000_000 + 10_000 * self.offset, key)
        self.offset += 1
        sent = self.partition.fold([record])
        self.published += [value for _, _, value, _ in sent if value]

    def counts(self, **changes: Any) -> None:
        """One more record of the alert."""
        self.state = later(self.state, self.state.count + 1, at=1000.0, **changes)
        self.send(self.state)

    def one(self) -> Incident:
        return self.partition.incidents()[self.id]

    def check(self) -> None:
        for row in self.partition.table.rows.values():
            assert len(row) < ROW_BYTES_MAX + 100
        tx = self.partition.transaction()
        for key, row in self.partition.table.rows.items():
            assert not isinstance(tx.get(key), AlertRow) or len(row) < ALERT_BYTES_MAX
        for value in self.published:
            assert len(value) <= RECORD_BYTES_MAX
            found = decode_incident(value)
            assert decode(encode(found)) == found
            assert len(msgspec.json.encode(detail_document(found))) < 4 * RECORD_BYTES_MAX
            assert len(msgspec.json.encode(slim(found))) <= RECORD_BYTES_MAX
        self.published.clear()


def comment(desk: Desk, number: int, note: str) -> Command:
    return Command(id=f"c{number}", incident_id=desk.id, action=Action.COMMENT, by="ada", note=note)


@pytest.mark.parametrize("character", ["a", '"', "\x00", "\x01a", "界", "😀"])
def test_forty_long_comments_leave_the_first_and_the_newest_steps(character: str) -> None:
    desk = Desk()
    for number in range(44):
        desk.send(comment(desk, number, f"{number} {character * 4_000}"[:4_000]))
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
    desk.send(Correlation(scope=SCOPE, fingerprint="aa", findings=found))
    desk.counts(samples=[Sample(at=1.0, message="x" * 3_000, offset=n) for n in range(2, 8)])
    for number in range(20):
        desk.send(comment(desk, number, f"{number} " + "x" * 3_900))
    desk.check()
    document = detail_document(desk.one())
    assert document["leftOut"]["evidence"] == ["samples", "traces"]
    facts = {fact["name"]: fact["text"] for fact in document["facts"]}
    assert "parts of the evidence: samples, traces" in facts["left_out"]
    assert desk.one().samples[-1].offset == 7


def test_an_incident_shows_a_few_of_many_alerts_and_counts_all() -> None:
    desk = Desk()
    desk.partition.machine.policy = replace(POLICY, group_by="service")
    names = [f"{number:04x}" for number in range(200)]
    desk.send(*(alert(name, 2, title="x" * 900) for name in names[:100]))
    desk.send(*(alert(name, 2, title="x" * 900) for name in names[100:]))
    desk.check()
    whole = next(one for one in desk.partition.incidents().values() if one.alerts_total == 200)
    assert (whole.count, whole.alerts_firing) == (400, 200)
    assert 0 < len(whole.alerts) <= 20


def test_a_collective_incident_lists_a_few_of_many_and_counts_all() -> None:
    desk = Desk()
    desk.partition.machine.policy = replace(POLICY, max_pages_per_scope=1, group_wait={})
    for start in range(0, 1_000, 100):
        names = (f"{number:04x}" for number in range(start, start + 100))
        desk.send(*(alert(name, title="x" * 900) for name in names))
        desk.check()
    found = [one for one in desk.partition.incidents().values() if one.kind is Kind.COLLECTIVE]
    assert [one.listed for one in found] == [999]
    assert 0 < len(found[0].lists) <= 50


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
        path=hops, calls=hops, timeline=listed(moments),
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
        edges=draw(listed(st.builds(Edge, caller=TEXTS, callee=TEXTS))),
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
    incident_id=st.just("its id"),
    action=st.sampled_from(Action),
    by=TEXTS,
    note=TEXTS,
    to=listed(NAMES | TEXTS),
)
RECEIPTS = st.builds(
    Receipt,
    incident_id=st.just("its id"),
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
    incident_id=st.just("its id"),
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
    scope=st.just(SCOPE),
    fingerprint=st.just("aa"),
    findings=findings(),
)
SAMPLES = st.builds(
    Sample, at=st.just(1.0), message=TEXTS, level=TEXTS, trace_id=TEXTS, endpoint=TEXTS, host=TEXTS
)
EVIDENCE = st.fixed_dictionaries(
    {
        "title": TEXTS,
        "pattern": TEXTS,
        "samples": listed(SAMPLES),
        "trace_ids": st.lists(TEXTS, max_size=9),
        "endpoints": st.lists(TEXTS, max_size=9),
        "affected_services": st.lists(TEXTS, max_size=9),
        "severity": st.sampled_from(Severity),
    }
)
EVENTS = st.one_of(COMMANDS, RECEIPTS, SUMMARIES, CORRELATIONS, EVIDENCE, st.none())


@pytest.mark.fuzz
@settings(fuzz(0.01), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_a_life_of_any_texts_in_any_order_stays_within_the_bounds(events: list[Any]) -> None:
    desk = Desk()
    counted = 1
    before = desk.one()
    for event in events:
        if event is None:
            desk.send(key=TICK_KEY)
        elif isinstance(event, dict):
            counted += 1
            desk.counts(**event)
        elif isinstance(event, Correlation):
            desk.send(event)
        elif not (isinstance(event, Command) and event.action is Action.DELETE):
            desk.send(replace(event, incident_id=desk.id))
        desk.check()
        after = desk.one()
        assert sum(one.count for one in desk.partition.incidents().values()) == counted
        assert after.timeline[0].kind is StepKind.OPENED
        assert set(before.tickets) <= set(after.tickets)
        assert before.routes == after.routes[: len(before.routes)]
        before = after
