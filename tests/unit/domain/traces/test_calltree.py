"""Who called whom: by ids, by time, with clocks that differ, and whatever nonsense the ids say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.domain.traces.calltree import CallTree, Method, call_tree
from ticketing.domain.traces.spans import Line, gathered, traceable


def line(service: str, at: float, seconds: float, **fields: Any) -> Line:
    values: dict[str, Any] = {
        "at": at,
        "span_id": service,
        "parent_id": "",
        "service": service,
        "endpoint": "op",
        "level": "INFO",
        "duration": seconds,
        "score": 0.0,
        "message": "m",
    }
    return Line(**{**values, **fields})


def callers(tree: CallTree) -> dict[str, str]:
    calls = tree.calls
    return {call.span.id: calls[call.parent].span.id if call.parent >= 0 else "" for call in calls}


def test_ids_say_who_called_whom_whatever_the_times_say() -> None:
    tree = call_tree(
        gathered([line("a", 0.0, 1.0), line("b", 0.1, 0.2, parent_id="a"), line("c", 0.15, 0.1)])
    )
    assert callers(tree)["b"] == "a"
    assert tree.method is Method.BOTH


def test_without_ids_the_caller_is_what_was_under_way_all_the_while() -> None:
    tree = call_tree(
        gathered(
            [line("a", 0.0, 1.0), line("b", 0.1, 0.5), line("c", 0.2, 0.1), line("d", 0.7, 0.1)]
        )
    )
    assert callers(tree) == {"a": "", "b": "a", "c": "b", "d": "a"}
    assert tree.method is Method.TIME


def test_ids_that_lead_to_spans_without_lines_are_replaced_by_time() -> None:
    lines = [line("a", 0.0, 1.0, parent_id="x"), line("b", 0.1, 0.5, parent_id="y")]
    assert callers(call_tree(gathered(lines))) == {"a": "", "b": "a"}


def test_a_request_whose_ids_are_complete_says_so() -> None:
    tree = call_tree(gathered([line("a", 0.0, 1.0), line("b", 0.1, 0.2, parent_id="a")]))
    assert tree.method is Method.PARENT_IDS


def test_own_time_is_what_no_callee_explains() -> None:
    tree = call_tree(gathered([line("a", 0.0, 1.0), line("b", 0.1, 0.3), line("c", 0.5, 0.2)]))
    own = {call.span.id: round(call.own, 6) for call in tree.calls}
    assert own == {"a": 0.5, "b": 0.3, "c": 0.2}


def test_a_host_whose_clock_is_ahead_is_set_right_by_its_caller() -> None:
    lines = [
        line("a", 0.0, 1.0, host="h1"),
        line("b", 100.2, 0.5, parent_id="a", host="h2"),
        line("c", 100.3, 0.1, parent_id="b", host="h2"),
    ]
    tree = call_tree(gathered(lines))
    assert tree.skewed == 2
    assert callers(tree) == {"a": "", "b": "a", "c": "b"}
    spans = {call.span.id: call.span for call in tree.calls}
    assert 0.0 <= spans["b"].start <= spans["c"].start
    assert spans["c"].end <= spans["b"].end <= 1.0


def test_a_spans_only_error_was_written_at_its_end() -> None:
    lines = [
        line("b", 0.1, 0.5, parent_id="a"),
        line("a", 0.7, 0.7, level="ERROR"),
    ]
    tree = call_tree(gathered(lines))
    assert callers(tree) == {"a": "", "b": "a"}
    assert tree.skewed == 0


def test_ids_that_go_round_in_a_circle_end_somewhere() -> None:
    lines = [line("a", 0.0, 1.0, parent_id="b"), line("b", 0.1, 0.5, parent_id="a")]
    tree = call_tree(gathered(lines))
    assert sorted(callers(tree).values()) in (["", "a"], ["", "b"])


def test_ten_thousand_spans_in_a_row_or_nested_are_no_trouble() -> None:
    row = [line(f"s{n}", n * 0.01, 0.005) for n in range(10_000)]
    assert len(call_tree(gathered(row)).calls) == 10_000
    nested = [
        line(f"s{n}", n * 0.001, 100 - n * 0.002, parent_id=f"s{n - 1}") for n in range(10_000)
    ]
    tree = call_tree(gathered(nested))
    assert max(call.depth for call in tree.calls) == 9_999


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["", *"abcdefgh", "zz"]),
            st.floats(0, 10),
            st.floats(0, 10),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_the_lines_say_every_span_has_one_place(
    given_: list[tuple[str, str, float, float, bool]],
) -> None:
    lines = [
        line(name, at, seconds, parent_id=parent, level="ERROR" if bad else "INFO")
        for name, parent, at, seconds, bad in given_
    ]
    tree = call_tree(gathered(lines))
    assert len(tree.calls) == len({one.span_id for one in lines})
    for call in tree.calls:
        path = tree.path(call.index)
        assert len(path) == len(set(path)) == call.depth + 1
        assert call.own >= 0


def test_placeholders_name_no_request() -> None:
    for id in ("", "0", "0000-0000", "null", "None", "-", "N/A", "undefined", " "):
        assert not traceable(id)
    assert traceable("4bf92f3577b34da6a3ce929d0e0e4736")
