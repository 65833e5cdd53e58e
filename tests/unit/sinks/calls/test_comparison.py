"""Fields that a platform did not take although it said success."""

from __future__ import annotations

from sinks.calls.comparison import not_taken


def test_a_field_with_another_value_is_told() -> None:
    asked = {"state": "closed", "group": "Ops", "owner": "a"}
    answered = {"state": "new", "group": "ops ", "id": 7, "owner": None}
    assert not_taken("Acme", asked, answered) == [
        'state: asked for "closed", Acme has "new"',
        'owner: asked for "a", Acme has nothing',
    ]


def test_a_field_that_the_answer_lacks_is_not_judged() -> None:
    assert not_taken("Acme", {"state": "closed"}, {"id": 7}) == []


def test_white_space_does_not_count() -> None:
    assert not_taken("Acme", {"text": "a\r\n b"}, {"text": "a b\n"}) == []


def test_a_long_text_is_not_quoted() -> None:
    assert not_taken("Acme", {"text": "a" * 41}, {"text": "b"}) == ["text: Acme has another text"]
