"""What the view agent makes of the records of a batch."""

from __future__ import annotations

import json
from typing import Any

from support.incidents import incident
from support.records import Record
from support.shown_alerts import alert

from agents.view import latest, latest_alerts
from ticketing.wire.alerts import encode_alert
from ticketing.wire.incidents import encode_incident

NEW = "of_a_newer_release"


def record(id: str, value: Any) -> Record:
    return Record(
        value if isinstance(value, bytes) else json.dumps(value).encode(), key=id.encode()
    )


def test_an_incident_is_shown_though_a_part_of_it_cannot_be_read() -> None:
    """The case that was found: a step of a new kind, and the view dropped the whole incident."""
    document = json.loads(encode_incident(incident()))
    step = {"seq": 9, "at": 1.0, "kind": NEW, "text": "the pool was moved"}
    spoilt = {**document, "timeline": [step, {"seq": "nine"}], "samples": 7}
    ((id, found),) = latest([record("a", spoilt)])
    assert found is not None
    assert (id, found.id, found.title) == ("a", incident().id, incident().title)
    assert [(one.kind, one.text) for one in found.timeline] == [(NEW, "the pool was moved")]


def test_a_record_that_is_no_incident_hides_no_other() -> None:
    good = encode_incident(incident())
    gone = Record(None, key=b"gone")
    batch = [record("x", b"\xff\xfe"), record("y", {"id": 7}), record("a", good), gone]
    assert [id for id, _ in latest(batch)] == ["a", "gone"]


def test_a_record_that_is_no_alert_hides_no_other() -> None:
    later = alert(1, revision=2)
    batch = [
        record("x", b"\xff\xfe"),
        record("y", {"fingerprint": 7}),
        record(later.fingerprint, encode_alert(alert(1))),
        Record(None, key=b"gone"),
        record(later.fingerprint, encode_alert(later)),
    ]
    assert latest_alerts(batch) == [(later.fingerprint, later), ("gone", None)]
