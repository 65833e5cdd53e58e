"""Transitions are chosen by name, by status, by category; their fields are filled or named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sinks.jira import workflow
from sinks.jira.answers import Status, Transition
from sinks.jira.dialect import CLOUD


def a_status(name: str, category: str) -> dict[str, Any]:
    return {"name": name, "statusCategory": {"key": category, "name": category.title()}}


def a_way(number: str, name: str, to: str, category: str, **fields: Any) -> Transition:
    row = {"id": number, "name": name, "to": a_status(to, category), "fields": fields}
    return msgspec.convert(row, Transition)


RESOLUTION = {
    "required": True,
    "name": "Resolution",
    "schema": {"type": "resolution", "system": "resolution"},
    "allowedValues": [{"name": "Won't Do"}, {"name": "Fixed"}, {"name": "Duplicate"}],
}
START = a_way("1", "Start", "In Progress", "indeterminate")
REVIEW = a_way("2", "Ask for review", "In Review", "indeterminate")
CLOSE = a_way("3", "Close", "Closed", "done", resolution=RESOLUTION)
REJECT = a_way("4", "Done", "Rejected", "done")


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("ask for REVIEW", REVIEW),
        ("in review", REVIEW),
        ("indeterminate", START),
        ("Closed", CLOSE),
        ("Done", REJECT),
        ("new", None),
        ("Nowhere", None),
    ],
)
def test_a_transition_is_chosen(wanted: str, chosen: Transition | None) -> None:
    assert workflow.choose(wanted, [START, REVIEW, CLOSE, REJECT]) is chosen


def test_the_transition_that_asks_for_less_is_taken() -> None:
    quiet = a_way("5", "Finish", "Finished", "done")
    assert workflow.choose("done", [START, CLOSE, quiet]) is quiet


def test_a_detour_leads_into_work_and_never_back() -> None:
    assert workflow.detour([REJECT, START, REVIEW], {"To Do"}) is START
    assert workflow.detour([START, REVIEW], {"In Progress"}) is REVIEW
    assert workflow.detour([START, REJECT], {"In Progress"}) is None


def test_a_status_is_known_by_name_and_by_category() -> None:
    status = msgspec.convert(a_status("In Review", "indeterminate"), Status)
    assert workflow.is_at("in review", status)
    assert workflow.is_at("indeterminate", status)
    assert not workflow.is_at("", status)
    assert not workflow.is_at("done", status)


@pytest.mark.parametrize(
    ("given", "preferred", "expected"),
    [
        ({}, "", "Fixed"),
        ({}, "duplicate", "Duplicate"),
        ({}, "obsolete", "Fixed"),
        ({"resolution": "won't do"}, "", "Won't Do"),
        ({"Resolution": "Fixed"}, "", "Fixed"),
    ],
)
def test_a_resolution_is_always_set(given: Any, preferred: str, expected: str) -> None:
    sent = workflow.screen_fields(CLOSE, given, CLOUD, preferred)
    assert sent == {"resolution": {"name": expected}}


def test_only_what_is_on_the_screen_is_sent() -> None:
    assert workflow.screen_fields(START, {"resolution": "Fixed"}, CLOUD) == {}


def test_what_nobody_gave_is_named() -> None:
    needs = {"required": True, "name": "Root cause", "schema": {"type": "string"}}
    way = a_way("6", "Close", "Closed", "done", customfield_1=needs)
    with pytest.raises(workflow.NoWay, match=r"transitions\.fields.*customfield_1 \(Root cause\)"):
        workflow.screen_fields(way, {}, CLOUD)
    assert workflow.screen_fields(way, {"root cause": "x"}, CLOUD) == {"customfield_1": "x"}


def test_a_value_that_jira_does_not_know_is_named() -> None:
    with pytest.raises(workflow.NoWay, match="none of Won't Do, Fixed, Duplicate"):
        workflow.screen_fields(CLOSE, {"resolution": "Perfect"}, CLOUD)
