"""Snapshots with anything in any field, between two good ones, into the view."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzz import fuzz
from support.newer import full
from support.records import Record
from support.shown_alerts import alert
from support.spoilt_documents import mutated, paths

from agents.view import latest, latest_alerts
from ticketing.view.index import Entry
from ticketing.view.query import read_listed
from ticketing.view.record import alerts_written, written
from ticketing.wire.alerts import encode_alert
from ticketing.wire.incidents import encode_incident

pytestmark = pytest.mark.fuzz

GOOD = encode_incident(full())
DOCUMENT = json.loads(GOOD)
PLACES = paths(DOCUMENT)
ALERT = encode_alert(alert())
ALERT_DOCUMENT = json.loads(ALERT)
ALERT_PLACES = paths(ALERT_DOCUMENT)
_read_entry = msgspec.json.Decoder(Entry).decode
ESSENTIAL = ("id", "revision", "status", "severity", "title")


@fuzz(0.05)
@given(data=st.data())
def test_a_spoilt_snapshot_is_shown_and_hides_no_other(data: Any) -> None:
    spoilt = data.draw(mutated(DOCUMENT, PLACES))
    values = (GOOD, json.dumps(spoilt).encode(), GOOD)
    records = [
        Record(value, key=key) for key, value in zip((b"a", b"b", b"c"), values, strict=True)
    ]
    rows = {row[0]: row for row in written(latest(records))}
    assert {"a", "c"} <= rows.keys()
    if all(spoilt.get(name) == DOCUMENT[name] for name in ESSENTIAL):
        assert "b" in rows
    for row in rows.values():
        _read_entry(row[3])
        assert read_listed(row[4]) is not None
        assert json.loads(row[5])


@fuzz(0.05)
@given(data=st.data())
def test_a_spoilt_alert_hides_no_other(data: Any) -> None:
    spoilt = json.dumps(data.draw(mutated(ALERT_DOCUMENT, ALERT_PLACES))).encode()
    values = (ALERT, spoilt, ALERT)
    records = [
        Record(value, key=key) for key, value in zip((b"a", b"b", b"c"), values, strict=True)
    ]
    rows = {row[0]: row for row in alerts_written(latest_alerts(records))}
    assert {"a", "c"} <= rows.keys()
    for row in rows.values():
        _read_entry(row[3])
        assert json.loads(row[4])
