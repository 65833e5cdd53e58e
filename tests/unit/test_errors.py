"""The tree of errors says what there is, and each error what to do."""

from __future__ import annotations

import inspect

from ticketing import errors


def classes() -> list[type]:
    found = inspect.getmembers(errors, inspect.isclass)
    return [kind for _, kind in found if kind.__module__ == errors.__name__]


def test_every_error_stands_in_the_tree_and_descends_from_its_root() -> None:
    assert errors.__doc__ is not None
    for kind in classes():
        assert issubclass(kind, errors.TicketingError)
        assert kind.__name__ in errors.__doc__


def test_a_misconfiguration_has_a_line_for_each_problem() -> None:
    error = errors.Misconfigured(["a.b: is required", "c: must be text"])
    assert error.problems == str(error).splitlines()
    assert errors.Misconfigured("one").problems == ["one"]


def test_what_may_succeed_later_says_when() -> None:
    assert errors.Retryable("rate limited", 30).wait == 30
    assert isinstance(errors.Ambiguous("timeout", 5), errors.Retryable)
    assert not issubclass(errors.Rejected, errors.Retryable)


def test_a_bad_record_has_a_reason_apart_from_its_detail() -> None:
    error = errors.BadRecord("malformed", "not an object")
    assert (error.reason, error.detail, str(error)) == (
        "malformed",
        "not an object",
        "malformed: not an object",
    )
