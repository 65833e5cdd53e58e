"""A model's answer, contained: it has the form that was asked for, is short, and acts on nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.severity import Severity
from ticketing.domain.summaries.answer import (
    STEPS_MAX,
    TEXT_CHARS_MAX,
    TITLE_CHARS_MAX,
    BadAnswer,
    Fault,
    read,
    tag,
)

GOOD: dict[str, Any] = {
    "title": "Payments time out",
    "summary": "The gateway does not answer.",
    "root_cause": "A deployment.",
    "impact": "Nobody can pay.",
    "steps": ["Roll back"],
    "severity": "high",
    "tags": ["Pay ments!", "pay-ments", ""],
}


def test_an_answer_of_the_right_form_is_read() -> None:
    answer = read(json.dumps(GOOD))
    assert answer.title == "Payments time out"
    assert answer.root_cause == "A deployment."
    assert answer.steps == ["Roll back"]
    assert answer.severity is Severity.HIGH
    assert answer.tags == ["pay-ments"]


@pytest.mark.parametrize(
    "wrapped",
    ["```json\n{}\n```", "Sure! Here it is:\n```\n{}\n```\nAnything else?", "The answer: {} Bye."],
)
def test_chatter_around_the_object_is_left_out(wrapped: str) -> None:
    assert read(wrapped.replace("{}", json.dumps(GOOD))).title == "Payments time out"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, Fault.EMPTY),
        ("  ", Fault.EMPTY),
        ("I can't help with that.", Fault.NO_JSON),
        ("[1, 2]", Fault.NO_JSON),
        ('{"title": "x", ', Fault.NO_JSON),
        ("[" * 20_000, Fault.NO_JSON),
        ('{"a":' * 5_000, Fault.NO_JSON),
        ("{}", Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "title": 7}), Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "title": "https://evil.example/"[:0]}), Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "summary": "\u200b\u202e"}), Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "steps": "rm -rf /"}), Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "steps": [{"do": 1}]}), Fault.WRONG_SHAPE),
        (json.dumps({**GOOD, "summary": "x" * 100_000}), Fault.TOO_LONG),
    ],
)
def test_anything_else_is_refused_with_a_reason(text: str | None, fault: Fault) -> None:
    with pytest.raises(BadAnswer) as raised:
        read(text)
    assert raised.value.fault is fault
    assert "rm -rf" not in str(raised.value)


@pytest.mark.parametrize("opinion", ["apocalyptic", "", None, 1, ["critical"]])
def test_an_opinion_that_is_no_severity_is_none(opinion: object) -> None:
    assert read(json.dumps({**GOOD, "severity": opinion})).severity is None


def test_fields_that_were_not_asked_for_are_not_there() -> None:
    more = {"status": "resolved", "routes": [], "collective_id": "x", "ticketed": False, "id": "1"}
    assert read(json.dumps({**GOOD, **more})) == read(json.dumps(GOOD))


def test_everything_is_bounded() -> None:
    long = {key: "word " * 1_000 for key in ("title", "summary")}
    answer = read(json.dumps({**GOOD, **long, "steps": ["s " * 400] * 20, "tags": ["t"] * 99}))
    assert len(answer.title) == TITLE_CHARS_MAX
    assert len(answer.summary) == TEXT_CHARS_MAX
    assert len(answer.steps) == STEPS_MAX
    assert answer.title.endswith("…")


@given(st.text(max_size=100))
def test_a_tag_is_letters_digits_and_dashes(text: str) -> None:
    assert set(tag(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
