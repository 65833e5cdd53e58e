"""What readers make of an incident of which they can't read everything."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from support.every_field import replaced
from support.newer import NEW, full

from ticketing.wire.incidents import decode_incident, encode_incident, read_incident

PUBLISHED = full()
DOCUMENT = json.loads(encode_incident(full()))
ESSENTIAL = {"id", "revision", "status", "severity", "title"}
WRONG: list[Any] = [None, True, -1, 1.5, "text", [], [7], {}, {"a": {}}, 10**30, "\ud800"]


def read(document: Any) -> Any:
    return read_incident(json.dumps(document).encode())


def test_a_whole_incident_is_read_as_it_is() -> None:
    assert read(DOCUMENT) == decode_incident(json.dumps(DOCUMENT).encode()) == PUBLISHED


@pytest.mark.parametrize("name", sorted(set(DOCUMENT) - ESSENTIAL))
def test_a_field_of_another_type_takes_nothing_else_with_it(name: str) -> None:
    """Whatever stands there, all other fields are as they were."""
    for wrong in WRONG:
        found = json.loads(encode_incident(read({**DOCUMENT, name: wrong})))
        assert {**found, name: None} == {**DOCUMENT, name: None}


@pytest.mark.parametrize("name", sorted(set(DOCUMENT) - ESSENTIAL))
def test_a_missing_field_takes_nothing_else_with_it(name: str) -> None:
    found = json.loads(encode_incident(read({n: v for n, v in DOCUMENT.items() if n != name})))
    assert {**found, name: None} == {**DOCUMENT, name: None}


@pytest.mark.parametrize("name", sorted(ESSENTIAL))
def test_without_an_essential_field_there_is_no_incident(name: str) -> None:
    for wrong in ([7], None, {"a": 1}):
        with pytest.raises(msgspec.MsgspecError):
            read({**DOCUMENT, name: wrong})


def test_of_a_list_only_what_cannot_be_read_is_left_out() -> None:
    step = {"seq": 9, "at": 1.0, "kind": NEW, "by": "", "text": "kept"}
    broken = [{**step, "seq": "nine"}, None, 7, {**step, "text": 7}]
    found = read({**DOCUMENT, "timeline": [*broken, step, *DOCUMENT["timeline"]]})
    assert [one.kind for one in found.timeline][:2] == [NEW, NEW]
    assert found.timeline[1].text == "kept"
    assert len(found.timeline) == len(DOCUMENT["timeline"]) + 2


@pytest.mark.parametrize(
    "path", [(), ("correlation",), ("links", 0), ("timeline", 0), ("summary",)]
)
def test_fields_of_a_newer_release_are_passed_over(path: tuple[str | int, ...]) -> None:
    inner: Any = DOCUMENT
    for key in path:
        inner = inner[key]
    assert read(replaced(DOCUMENT, path, {**inner, "new_field": {"a": [1]}})) == PUBLISHED


def test_bytes_that_are_no_utf_8_and_numbers_out_of_range_spoil_their_field_only() -> None:
    value = json.dumps({**DOCUMENT, "environment": "caf\u00e9"}, ensure_ascii=False)
    found = read_incident(value.encode("latin-1"))
    assert (found.environment, found.title) == ("caf\ufffd", full().title)
    value = json.dumps({**DOCUMENT, "max_score": 0.123}).replace("0.123", "1e999")
    assert read_incident(value.encode()).max_score == 0.0
    value = json.dumps({**DOCUMENT, "service": "\ud83d"})
    assert encode_incident(read_incident(value.encode()))


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"7", b"null", b"[" * 100_000, b"\xff"])
def test_what_is_no_incident_is_refused(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_incident(value)
