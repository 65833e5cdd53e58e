"""Incidents beside labels: which counts for which fault, and how places are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ticketing.demo.judging import Fault, read_faults, summary, tickets, verdicts
from ticketing.errors import Misconfigured
from ticketing.view.times import iso


def incident(service: str, first: float, last: float, **causes: float) -> dict[str, Any]:
    total = sum(causes.values())
    candidates = [
        {"service": name.replace("_", "-"), "score": score, "share": score / total}
        for name, score in causes.items()
    ]
    outbreak = {"since": iso(first), "until": iso(last), "candidates": candidates}
    return {
        "service": service,
        "firstSeen": iso(first),
        "lastSeen": iso(last),
        "ticketed": True,
        "platforms": ["jira"],
        "attributions": [outbreak] if causes else [],
    }


FAULTS = [Fault(1000.0, "db"), Fault(2000.0, "cache")]


def test_each_fault_is_judged_by_what_was_active_after_it() -> None:
    found = verdicts(
        FAULTS,
        [
            incident("web", 1010.0, 1100.0, db=9.0, web=1.0),
            incident("api", 2005.0, 2090.0, cache=5.0),
        ],
    )
    assert [verdict.place for verdict in found] == [1, 1]
    assert [verdict.incidents for verdict in found] == [1, 1]


def test_a_fault_counts_ten_minutes_at_most() -> None:
    (first, _) = verdicts(FAULTS, [incident("web", 1700.0, 1710.0, db=9.0)])
    assert (first.place, first.incidents) == (None, 0)


def test_many_incidents_of_one_service_speak_once() -> None:
    same = [incident("web", 1010.0, 1100.0, web=1.0, db=0.5) for _ in range(20)]
    (first, _) = verdicts(
        FAULTS,
        [*same, incident("api", 1010.0, 1100.0, db=20.0), incident("x", 1010.0, 1100.0, db=9.0)],
    )
    assert first.ranking[0] == "db"


def test_without_traces_the_incidents_own_service_is_named() -> None:
    (first, _) = verdicts(FAULTS, [incident("db", 1010.0, 1100.0)])
    assert first.place == 1


def test_the_result_is_shares_and_tickets_per_fault() -> None:
    incidents = [
        incident("web", 1010.0, 1100.0, db=9.0),
        {**incident("api", 1010.0, 1100.0), "ticketed": False},
        {**incident("old", 10.0, 20.0), "platforms": []},
    ]
    found = verdicts(FAULTS, incidents)
    assert summary(found, tickets(incidents)) == {
        "faults": 2,
        "top1": 0.5,
        "top3": 0.5,
        "ticketsPerFault": 0.5,
    }


def test_labels_are_read_in_order_and_bad_ones_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    labels = [
        {"injected_at": "2023-01-29T10:00:00Z", "service": "b", "fault": "cpu"},
        {"injected_at": "2023-01-29T09:00:00", "service": "a"},
    ]
    file.write_text(json.dumps(labels))
    assert [fault.service for fault in read_faults(file)] == ["a", "b"]
    for bad in ("{", "{}x", '[{"service": "a"}]', "[1]", '[{"injected_at": 5, "service": "a"}]'):
        file.write_text(bad)
        with pytest.raises(Misconfigured):
            read_faults(file)
