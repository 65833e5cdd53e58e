"""Entries of the audit: bounded, and found by who, incident, outcome and time."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.domain.access.audit import (
    SUBJECTS_MAX,
    TEXT_CHARS_MAX,
    Entry,
    Outcome,
    Wanted,
    entry_of,
    outcome_of,
)
from ticketing.domain.access.principal import SHARED, Kind, Principal, Role


def entry(**fields: Any) -> Entry:
    given = {"at": 100.0, "route": "POST /x", "status": 200, "subjects": ["i-1"]}
    return entry_of(SHARED, **{**given, **fields})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.DONE) for status in (0, 200, 201, 304)),
        *((status, Outcome.REFUSED) for status in (401, 403, 429)),
        *((status, Outcome.FAILED) for status in (400, 404, 409, 500, 503)),
    ],
)
def test_a_status_tells_the_outcome(status: int, outcome: Outcome) -> None:
    assert outcome_of(status) is outcome


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"who": "web.token"}, True),
        ({"who": "web"}, False),
        ({"incident": "i-1"}, True),
        ({"incident": "i-2"}, False),
        ({"outcome": "done"}, True),
        ({"outcome": "refused"}, False),
        ({"since": 100.0, "until": 100.5}, True),
        ({"since": 100.5}, False),
        ({"until": 100.0}, False),
    ],
)
def test_a_filter_asks_for_all_its_conditions(wanted: dict[str, Any], found: bool) -> None:
    assert Wanted(**wanted)(entry()) is found


def test_an_entry_is_bounded() -> None:
    long = "x" * 10_000
    who = Principal(name=long, role=Role.VIEWER, kind=Kind.PERSON)
    made = entry_of(who, at=0.0, route=long, address=long, subjects=[long] * (SUBJECTS_MAX + 1))
    assert len(made.subjects) == SUBJECTS_MAX
    texts = (made.who, made.route, made.address, made.subjects[0])
    assert {len(text) for text in texts} == {TEXT_CHARS_MAX}
