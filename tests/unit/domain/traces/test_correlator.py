"""From lines of requests to what an incident is told: whole systems with a fault in them."""

from __future__ import annotations

import math
import random
from datetime import datetime
from typing import Any

import msgspec
import pytest
from support.configured import correlator_with
from support.microservices import START, Fault, Operation, System

from agents.traces import correlator_for
from ticketing.config import Config
from ticketing.domain.evidence.ledger import Ledger
from ticketing.domain.scope import scope_of
from ticketing.domain.traces import correlator
from ticketing.domain.traces.buffer import Part
from ticketing.domain.traces.correlator import LOOKS_MAX, Report
from ticketing.domain.traces.findings import Findings, Relation
from ticketing.domain.traces.sampling import LOTS, lot_of

ANOMALOUS = 0.85
IDLE_SECONDS = 10.0
"""From then on a source counts as read to its end, as detection reports it."""


def at(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["@timestamp"]).timestamp()


def fingerprint(record: dict[str, Any]) -> str:
    words = [w for w in record["message"].split() if not any(c.isdigit() for c in w)]
    return f"{record['service']} {' '.join(words)}"


SCOPE = scope_of("acme", "")


class Feed:
    """Gives records to a correlator as the traces agent does, by a clock of its own."""

    def __init__(self, **settings: Any) -> None:
        self.correlator = correlator_with(**settings)
        self.now = 5_000.0
        self.told: list[Report] = []
        self.given_at: dict[str, float] = {}

    def give(self, records: list[dict[str, Any]], *, source: str = "in:0") -> None:
        for record in records:
            self.take(record)
        if records:
            self.correlator.reached(source, max(at(record) for record in records), self.now)
            self.given_at[source] = self.now

    def take(
        self, record: dict[str, Any], tenant: str = "acme", scope: str = "", share_level: int = 0
    ) -> None:
        anomalous = record["anomaly_score"] >= ANOMALOUS
        mark = fingerprint(record) if anomalous else None
        row = (
            record["@timestamp"],
            record["span_id"],
            record["parent_span_id"],
            record["service"],
            record["endpoint"],
            record["level"],
            record["duration_ms"],
            record["anomaly_score"],
            record["message"],
            mark,
            None,
        )
        marks = {mark: (record["service"], at(record), SCOPE)} if mark else {}
        part = Part(1, msgspec.msgpack.encode([row]))
        key = tenant, record["trace_id"]
        self.correlator.take(key, part, at(record), marks, self.now, scope, share_level)

    def pass_time(self, seconds: float, step: float = 0.25) -> None:
        for _ in range(int(seconds / step)):
            self.now += step
            for source, given_at in self.given_at.items():
                if self.now >= given_at + IDLE_SECONDS:
                    self.correlator.reached(source, math.inf, self.now)
            self.told += self.correlator.advance(self.now)

    def last(self) -> dict[str, Findings]:
        return {one.fingerprint: one.findings for one in self.told}


def recording(seed: int, kind: str) -> tuple[list[dict[str, Any]], Fault]:
    system = System(seed)
    operations = [one for one in system.reachable() if one not in system.entries]
    fault = Fault(kind, operations[seed % len(operations)], START + 120)
    return system.run(fault, 200.0), fault


def test_a_replay_at_full_speed_comes_to_what_was_found_live() -> None:
    records, _ = recording(2, "return")
    replayed = Feed()
    replayed.give(records)
    replayed.pass_time(30.0)
    live = Feed()
    live.now = START
    waiting = list(records)
    while waiting:
        due = [one for one in waiting if at(one) <= live.now]
        waiting = waiting[len(due) :]
        live.give(due)
        live.pass_time(1.0)
    live.pass_time(60.0)

    def named(feed: Feed) -> dict[str, list[str]]:
        return {
            name: [candidate.service for candidate in findings.candidates[:1]]
            for name, findings in feed.last().items()
        }

    assert named(replayed) == named(live)


def test_findings_tell_the_whole_request_not_only_its_anomalies() -> None:
    records, fault = recording(1, "return")
    feed = Feed(samples=3)
    feed.give(records)
    feed.pass_time(30.0)
    findings = feed.last()[f"{fault.operation.service} result of request is empty"]
    assert 1 <= len(findings.samples) <= 3
    sample = findings.samples[0]
    assert sample.failed
    assert "fails" in sample.why
    assert any(line.score < ANOMALOUS for line in sample.timeline)
    assert sample.timeline == sorted(sample.timeline, key=lambda line: line.at)
    assert {hop.service for hop in sample.path} <= {call.service for call in sample.calls}
    assert fault.operation.service in findings.affected_services
    assert findings.blast_radius.failing_share > findings.blast_radius.failing_share_before
    assert findings.path[-1].service == fault.operation.service
    assert findings.causal_chain[0].startswith(fault.operation.service)
    assert sum(candidate.share for candidate in findings.candidates) <= 1.01


def lone(number: int, trace: str, service: str = "cart", **fields: Any) -> dict[str, Any]:
    known = {
        "@timestamp": datetime.fromtimestamp(START + number).astimezone().isoformat(),
        "service": service,
        "endpoint": "op",
        "level": "ERROR",
        "message": f"{service} broke",
        "trace_id": trace,
        "span_id": f"{number}-{service}",
        "parent_span_id": "",
        "duration_ms": 5.0,
        "anomaly_score": 0.95,
    }
    return {**known, **fields}


def calls_of(trace: str, tree: dict[str, str], failed: str) -> list[dict[str, Any]]:
    """A line a span: `tree` names the caller of each service, and one of them fails."""
    return [
        lone(
            number,
            trace,
            service,
            span_id=service,
            parent_span_id=caller,
            level="ERROR" if service == failed else "INFO",
            anomaly_score=0.95 if service == failed else 0.1,
        )
        for number, (service, caller) in enumerate(tree.items())
    ]


def test_findings_say_who_calls_whom_and_in_how_many_requests_that_fails() -> None:
    feed = Feed()
    for number in range(3):
        feed.give(calls_of(f"t{number}", {"web": "", "shop": "web", "db": "shop"}, "db"))
    feed.pass_time(20.0)
    findings = feed.last()["db db broke"]
    found = {(one.caller, one.callee): (one.requests, one.failed) for one in findings.edges}
    assert found == {("web", "shop"): (3, 0), ("shop", "db"): (3, 3)}
    assert [one.callee for one in findings.edges] == ["db", "shop"]


def test_a_sample_keeps_the_calls_of_the_path_and_those_that_failed_in_their_tree() -> None:
    wide = {f"leaf{number}": "shop" for number in range(40)}
    tree = {"web": "", "shop": "web", **wide, "db": "leaf39"}
    feed = Feed()
    feed.give(calls_of("t", tree, "db"))
    feed.pass_time(20.0)
    (sample,) = feed.last()["db db broke"].samples
    assert sample.spans == 43
    assert len(sample.calls) == 24
    names = [call.service for call in sample.calls]
    assert names[:2] == ["web", "shop"]
    assert names[-2:] == ["leaf39", "db"]
    assert [call.depth for call in sample.calls] == [0, 1, *[2] * 21, 3]


def test_the_first_word_comes_in_time_for_a_critical_ticket() -> None:
    feed = Feed()
    feed.give([lone(0, "t1")])
    feed.pass_time(2.0)
    assert [one.fingerprint for one in feed.told] == ["cart cart broke"]


def test_nothing_is_said_again_that_was_said_before() -> None:
    feed = Feed()
    for number in range(60):
        feed.give([lone(number, f"t{number}")])
        feed.pass_time(1.0)
    feed.pass_time(60.0)
    assert len(feed.told) <= 4


def test_incidents_that_share_requests_are_cause_and_symptom() -> None:
    feed = Feed()
    text = "call of stock-service failed"
    for number in range(10):
        trace = f"t{number}"
        feed.give(
            [
                lone(number, trace, "cart", message=text, duration_ms=9.0),
                lone(number, trace, "stock-service"),
            ]
        )
    feed.pass_time(60.0)
    found = feed.last()
    (peer,) = found[f"cart {text}"].peers
    assert (peer.service, peer.traces) == ("stock-service", 10)
    assert peer.relation is Relation.CAUSE
    (other,) = found["stock-service stock-service broke"].peers
    assert other.relation is Relation.SYMPTOM


def test_a_trace_that_everybody_shares_links_nobody() -> None:
    feed = Feed(shared_by_max=5)
    feed.give([lone(number, "batch", f"service{number}") for number in range(10)])
    feed.pass_time(60.0)
    assert len(feed.last()) == 10
    assert all(findings.peers == [] for findings in feed.last().values())


def test_one_trace_id_for_everything_is_bounded_and_counted() -> None:
    feed = Feed(spans_max=50)
    quiet = [lone(n, "same", level="INFO", anomaly_score=0.1) for n in range(1000)]
    feed.give(quiet)
    assert feed.correlator.held == 50
    assert feed.correlator.take_dropped() == {"trace_full": 950}


def test_lines_that_come_late_still_belong_to_their_request() -> None:
    feed = Feed()
    feed.give([lone(0, "t1")])
    feed.pass_time(30.0)
    feed.give([lone(0, "t1", "stock-service", anomaly_score=0.1)])
    feed.give([lone(40, "t2")])
    feed.pass_time(30.0)
    first = next(s for s in feed.told[-1].findings.samples if s.trace_id == "t1")
    assert first.services == 2


def test_a_storm_of_incidents_is_looked_at_a_few_at_once() -> None:
    feed = Feed()
    feed.give([lone(0, f"t{n}", f"service{n}") for n in range(100)])
    feed.now += 10.0
    feed.told += feed.correlator.advance(feed.now)
    assert len(feed.told) <= LOOKS_MAX
    feed.pass_time(60.0)
    assert len(feed.last()) == 100


def test_the_past_of_many_tenants_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlator, "REQUESTS_MAX", 50)
    feed = Feed()
    for number in range(100):
        record = lone(number, f"t{number}", level="INFO", anomaly_score=0.1)
        feed.take(record, tenant=f"tenant{number % 10}")
    feed.pass_time(30.0)
    assert sum(map(len, feed.correlator._histories.values())) == 50


def test_a_source_whose_clock_stands_holds_up_no_more_than_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(correlator, "ENDING_MAX", 50)
    feed = Feed()
    feed.correlator.reached("in:1", START - 1000.0, feed.now)
    for number in range(100):
        feed.take(lone(number, f"t{number}", level="INFO", anomaly_score=0.1))
    feed.correlator.advance(feed.now)
    assert len(feed.correlator._ending) == 50


@pytest.mark.parametrize("level", [0, 3])
def test_a_request_that_not_all_partitions_follow_is_no_evidence(level: int) -> None:
    feed, ledger = Feed(), Ledger()
    feed.correlator._ledger = ledger
    ids = [f"{number:032x}" for number in range(40)]
    for number, id in enumerate(ids):
        record = lone(number, id, level="INFO", anomaly_score=0.1)
        feed.take(record, scope=SCOPE, share_level=level)
    feed.correlator.reached("in:0", math.inf, feed.now)
    feed.pass_time(1.0)
    assert len(ledger) == sum(lot_of(id) < LOTS >> level for id in ids)


@pytest.mark.parametrize("tallies", [False, True])
def test_tallies_are_made_where_they_are_wanted(tallies: bool) -> None:
    feed = Feed()
    feed.correlator = correlator_for(Config(), tallies=tallies)
    record = lone(1, "f" * 32, level="INFO", anomaly_score=0.1)
    feed.take(record, scope=SCOPE)
    feed.correlator.reached("in:0", math.inf, feed.now)
    feed.pass_time(1.0)
    assert bool(feed.correlator.told(feed.now)) is tallies


def test_without_useful_traces_its_own_service_is_the_cause() -> None:
    feed = Feed()
    feed.give([lone(0, "t1", level="INFO")])
    feed.pass_time(5.0)
    assert feed.told[0].findings.candidates[0].service == "cart"


def test_made_up_systems_are_what_they_are_said_to_be() -> None:
    operation = System(1).operations[0]
    assert isinstance(operation, Operation)
    assert System(1).run(None, 20.0) == System(1).run(None, 20.0)


def slow_callee() -> list[dict[str, Any]]:
    """1,200 requests in ten minutes, shop calls cart calls stock; cart is slow in the last 150 s."""
    found = []
    for number in range(1200):
        slow = number > 900
        took = 400.0 if slow else 10.0
        for place, (service, parent, duration, score) in enumerate(
            (
                ("shop", "", took + 30.0, 0.1),
                ("cart", f"{number}-shop", took + 10.0, 0.9 if slow else 0.1),
                ("stock", f"{number}-cart", 4.0, 0.1),
            )
        ):
            found.append(
                lone(
                    0,
                    f"r{number}",
                    service,
                    **{"@timestamp": _iso(START + number * 0.5 + place * 0.001)},
                    span_id=f"{number}-{service}",
                    parent_span_id=parent,
                    level="INFO",
                    message="done",
                    duration_ms=duration,
                    anomaly_score=score,
                )
            )
    return found


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat()


def first_candidate(feed: Feed) -> str:
    ((_, findings),) = feed.last().items()
    return findings.candidates[0].service


@pytest.mark.parametrize("ahead_seconds", [0.0, 15.0, 70.0])
def test_partitions_out_of_step_name_the_same_cause(ahead_seconds: float) -> None:
    records = slow_callee()
    feed = Feed()
    if ahead_seconds:
        feed.give(records[::2], source="in:0")
        feed.pass_time(ahead_seconds)
        feed.give(records[1::2], source="in:1")
    else:
        for start in range(0, len(records), 200):
            feed.give(records[start : start + 200 : 2], source="in:0")
            feed.give(records[start + 1 : start + 200 : 2], source="in:1")
            feed.pass_time(0.25)
    feed.pass_time(120.0)
    assert first_candidate(feed) == "cart"


def test_a_source_of_which_nothing_is_read_holds_requests_back() -> None:
    records = slow_callee()
    feed = Feed()
    feed.correlator.expect("in:1", feed.now)
    feed.give(records[::2], source="in:0")
    feed.pass_time(30.0)
    assert not any(len(history) for history in feed.correlator._histories.values())
    feed.give(records[1::2], source="in:1")
    feed.pass_time(30.0)
    assert first_candidate(feed) == "cart"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lines_in_any_order_come_to_the_same_facts(seed: int) -> None:
    records, _ = recording(seed, "return")
    in_order = Feed()
    in_order.give(records)
    in_order.pass_time(60.0)
    mixed = Feed()
    parts = [records[n::3] for n in range(3)]
    random.Random(seed).shuffle(parts)
    for number, part in enumerate(parts):
        mixed.give(part, source=f"in:{number}")
        mixed.pass_time(20.0)
    mixed.pass_time(60.0)

    def known(feed: Feed) -> list[Any]:
        (history,) = feed.correlator._histories.values()
        return history.through(START + 1e6)

    assert known(mixed) == known(in_order)


def test_an_outbreak_is_told_again_when_other_lines_of_its_requests_come_later() -> None:
    # The anomalies come first; the callee that is slow too, and explains them, comes much later.
    records = slow_callee()
    late = [record for record in records if record["service"] == "stock"]
    for record in late:
        if int(record["trace_id"][1:]) > 900:
            record["duration_ms"] = 395.0
    feed = Feed()
    feed.give([record for record in records if record["service"] != "stock"], source="in:0")
    feed.pass_time(100.0)
    assert first_candidate(feed) == "cart"
    told = len(feed.told)
    feed.give(late, source="in:1")
    feed.pass_time(60.0)
    assert len(feed.told) > told
    assert first_candidate(feed) == "stock"
