"""The headline says how bad, what fails for whom, where it began, and no address or id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.incidents import ticketed

from sinks.text.headline import TITLE_CHARS_MAX, fault, headline
from sinks.text.writer import Writer
from ticketing.domain.incidents.incident import Kind
from ticketing.domain.severity import Severity
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings


def found(cause: str = "", share: float = 0.0) -> Findings:
    return Findings(
        since=1.0,
        until=2.0,
        traces=3,
        blast_radius=BlastRadius(requests=200, failing_share=share),
        candidates=[Candidate(service=cause, score=1.0)] if cause else [],
    )


@pytest.mark.parametrize(
    ("cause", "share", "said"),
    [
        ("payment", 0.41, "checkout fails for 41% of requests, began in payment: gone"),
        ("payment", 0.0, "checkout fails, began in payment: gone"),
        ("checkout", 0.41, "checkout fails for 41% of requests: gone"),
        ("checkout", 0.004, "checkout: gone"),
        ("", 0.0, "checkout: gone"),
    ],
)
def test_traces_say_for_whom_and_from_where(cause: str, share: float, said: str) -> None:
    incident = ticketed(title="gone", severity=Severity.CRITICAL, correlation=found(cause, share))
    assert headline(incident) == f"[CRITICAL] {said}"
    assert Writer("slack").title(incident) == headline(incident)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("POST http://10.2.3.4:8080/pay failed with 503", "POST /pay failed with 503"),
        ("connect to 10.2.3.4:5432: connection refused", "connect to …: connection refused"),
        ("dial tcp [fe80::1%eth0]:443: i/o timeout", "dial tcp …: i/o timeout"),
        ("peer fe80:0:0:1:2:3:4:5 is gone", "peer … is gone"),
        ("order 6ba7b810-9dad-11d1-80b4-00c04fd430c8 not found", "order … not found"),
        ("request 4bf92f3577b34da6a3ce929d0e0e4736 timed out", "request … timed out"),
        ("invoice 20260131044512 is missing", "invoice … is missing"),
        ("2026-01-31 03:00:00,123 ERROR [main] pool is empty", "[main] pool is empty"),
        ("[ERROR] pool is empty", "pool is empty"),
        ("java.sql.SQLTimeoutException: no row", "java.sql.SQLTimeoutException: no row"),
        ("Alert manager is down", "Alert manager is down"),
        ("version 1.2.3.4.5 is too old", "version 1.2.3.4.5 is too old"),
        (
            "took 30 s, 1,234,567 rows, facade of deadbeef",
            "took 30 s, 1,234,567 rows, facade of deadbeef",
        ),
        ("10.2.3.4:5432", "10.2.3.4:5432"),
        ("", "<*> gone"),
    ],
)
def test_addresses_ids_and_times_are_for_the_evidence(title: str, said: str) -> None:
    assert fault(ticketed(title=title, pattern="<*> gone")) == said


def test_a_collective_incident_keeps_its_own_words() -> None:
    assert fault(ticketed(title="12345678 new incidents", kind=Kind.COLLECTIVE)) == (
        "12345678 new incidents"
    )


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_headline_is_one_line_of_its_length(title: str, service: str) -> None:
    shown = headline(ticketed(title=title, service=service))
    assert 0 < len(shown) <= TITLE_CHARS_MAX
    assert shown.isprintable()
