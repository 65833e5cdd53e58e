"""The rule-based summary: good by itself, whatever the incident lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import incidents

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.signals import Sample
from ticketing.domain.summaries.by_rules import RULES, by_rules, headline, in_words, likely_cause
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings, Hop

AT = 1_700_000_000.0


def incident(**changes: Any) -> Incident:
    known = {
        "title": "payment 17 timed out",
        "first_seen": AT,
        "last_seen": AT + 300.0,
        "count": 1234,
        "endpoints": ["POST /pay"],
    }
    return incidents.incident(at=AT, **{**known, **changes})


def test_it_says_what_where_how_often_since_when_and_why() -> None:
    summary = by_rules(incident(affected_services=["checkout", "cart"]))
    assert summary.generated_by == RULES
    assert summary.title == "payment 17 timed out in checkout (POST /pay)"
    assert summary.text == (
        'checkout logged "payment 17 timed out" 1,234 times, at POST /pay.'
        " First seen 2023-11-14 22:13:20 UTC, last seen 2023-11-14 22:18:20 UTC (over 5 minutes)."
        " Also affected: cart."
    )
    assert summary.root_cause == (
        "probably something that it calls answers too slowly or not at all"
    )


def findings(service: str = "payments", **changes: Any) -> Findings:
    known = Findings(
        since=0.0,
        until=1.0,
        traces=4,
        path=[Hop(service=name) for name in ("frontend", "checkout", "checkout", "payments")],
        affected_services=["frontend", "checkout"],
        blast_radius=BlastRadius(failing_share=0.25, requests=40),
        candidates=[Candidate(service=service, score=1.0, reasons=["the deepest that fails"])],
    )
    return replace(known, **changes)


def test_traces_bring_the_path_and_where_it_began() -> None:
    summary = by_rules(incident(correlation=findings()))
    assert "The request's path: frontend → checkout → payments." in summary.text
    assert "Also affected: frontend." in summary.text
    assert summary.root_cause == "it began in payments (the deepest that fails)"
    assert summary.impact == "25% of the requests on its path fail"


def test_traces_that_say_nothing_change_nothing() -> None:
    empty = incident(correlation=Findings(since=0.0, until=1.0, traces=0))
    assert by_rules(empty) == by_rules(incident())


def test_it_began_in_the_service_itself() -> None:
    found = incident(correlation=findings("checkout"))
    assert likely_cause(found) == (
        "it began in checkout itself: the deepest that fails;"
        " something that it calls answers too slowly or not at all"
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory"),
        ("write failed: No space left on device", "disk is full"),
        ("HikariPool-1 - Connection is not available: pool exhausted", "connection pool"),
        ("getaddrinfo ENOTFOUND payments", "host name"),
        ("x509: certificate has expired", "certificate"),
        ("connect ECONNREFUSED 127.0.0.1:5432", "is down"),
        ("429 Too Many Requests", "rate limit"),
        ("context deadline exceeded", "too slowly"),
        ("Access denied for user app", "permissions"),
        ('relation "orders" does not exist', "schema"),
        ("NullPointerException at Cart.total", "defect in the code"),
        ("Unexpected end of JSON input", "can't be read"),
    ],
)
def test_the_kind_of_fault_is_told_from_the_error(message: str, said: str) -> None:
    assert said in likely_cause(incident(title=message, pattern=message))


def test_what_no_rule_knows_has_no_cause() -> None:
    assert likely_cause(incident(title="the cow jumped", pattern="the cow jumped")) == ""


def test_collective_incidents_say_what_they_stand_for() -> None:
    overflow = incident(kind=Kind.OVERFLOW, count=50)
    assert headline(overflow) == "many different new errors in checkout"
    assert "many different new errors, 50 times together" in by_rules(overflow).text
    collective = incident(kind=Kind.COLLECTIVE, listed=9)
    assert headline(collective) == "9 new incidents at once"
    assert "9 of them are told in this one" in by_rules(collective).text
    assert by_rules(collective).root_cause == ""


def test_its_life_is_told() -> None:
    text = by_rules(
        incident(
            flapping=True,
            reopenings=[1.0, 2.0],
            previous="the one before",
            merged_into="the other",
            status=Status.RESOLVED,
        )
    ).text
    assert "It keeps coming back: reopened 2 times." in text
    assert "resolved before, in incident the one before" in text
    assert "goes on in incident the other" in text
    assert text.endswith("Resolved.")


@pytest.mark.parametrize("count", [0, 1])
def test_an_incident_of_which_nothing_is_known_has_words_too(count: int) -> None:
    bare = incident(title="", pattern="", service="", endpoints=[], count=count, last_seen=1e300)
    assert "unnamed fault" in by_rules(bare).title
    assert by_rules(bare).text


def test_hostile_text_is_one_line_and_short() -> None:
    evil = "a\nb\x00\x1b[31m" + "x" * 100_000
    found = by_rules(
        incident(
            title=evil,
            pattern=evil,
            endpoints=[evil] * 20,
            samples=[Sample(at=0.0, message=evil)],
            correlation=findings(evil, path=[Hop(service=evil)] * 50, causal_chain=[evil]),
        )
    )
    assert "\n" not in found.title + found.text
    assert len(found.title) <= 170


def test_a_models_words_are_shown_if_there_are_any() -> None:
    model = Summary(incident_id="aa-0-7", revision=1, generated_by="m", title="t", text="x")
    assert in_words(incident(summary=model)) is model
    assert in_words(incident()).generated_by == RULES
