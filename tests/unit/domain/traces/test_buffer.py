"""The buffer of requests: bounded, and whatever is let go is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.traces.buffer import Part, TraceBuffer
from ticketing.domain.traces.history import PER_SLOT_MAX, SLOTS_MAX, History
from ticketing.domain.traces.spans import Line


def lines(value: bytes) -> list[Line]:
    return [Line(float(n), f"{n}", "", "s", "op", "INFO", 0.1, 0.0, "m") for n in range(int(value))]


def buffer(lines_max: int = 100, per_trace: int = 10) -> TraceBuffer:
    return TraceBuffer(lines, lines_max=lines_max, per_trace_max=per_trace, keep_seconds=60.0)


def part(count: int) -> Part:
    return Part(count, str(count).encode())


def test_parts_of_a_trace_come_together_by_time() -> None:
    held = buffer()
    for _ in range(2):
        trace = held.add(("t", "x"), part(3), 1.0, {}, 0.0)
    assert trace is not None
    assert [line.at for line in held.lines(trace)] == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]


def test_a_trace_beyond_its_bound_is_cut_and_counted() -> None:
    held = buffer()
    for _ in range(4):
        held.add(("t", "x"), part(4), 1.0, {}, 0.0)
    trace = held.get(("t", "x"))
    assert trace is not None
    assert (trace.lines, trace.cut) == (8, True)
    assert held.take_dropped() == {"trace_full": 8}
    assert held.take_dropped() == {}


def test_what_tells_of_anomalies_has_room_beyond_the_bound() -> None:
    held = buffer()
    held.add(("t", "x"), part(10), 1.0, {}, 0.0)
    assert held.add(("t", "x"), part(4), 1.0, {"aa": "s"}, 0.0) is not None
    assert held.add(("t", "x"), part(20), 1.0, {"aa": "s"}, 0.0) is None


def test_the_oldest_traces_make_room_and_are_counted_unless_they_were_read() -> None:
    held = buffer(lines_max=20)
    first = held.add(("t", "a"), part(8), 1.0, {}, 0.0)
    assert first is not None
    first.done = True
    held.add(("t", "b"), part(8), 1.0, {}, 1.0)
    held.add(("t", "c"), part(8), 1.0, {}, 2.0)
    assert held.get(("t", "a")) is None
    assert held.take_dropped() == {}
    held.add(("t", "d"), part(8), 1.0, {}, 3.0)
    assert held.take_dropped() == {"buffer_full": 8}


def test_what_is_old_by_arrival_goes_without_being_counted() -> None:
    held = buffer()
    held.add(("t", "a"), part(1), 1e9, {}, 0.0)
    held.expire(59.0)
    assert len(held) == 1
    held.expire(60.0)
    assert (len(held), held.held, held.take_dropped()) == (0, 0, {})


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 30), st.booleans()), max_size=60)
)
def test_every_line_is_held_or_was_let_go(given_: list[tuple[str, int, bool]]) -> None:
    held = buffer(lines_max=50)
    for now, (id, count, telling) in enumerate(given_):
        marks = {"aa": "s"} if telling else {}
        held.add(("t", id), part(count), 1.0, marks, float(now))
        largest = max(count for _, count, _ in given_)
        assert held.held <= max(50, largest, 20)
    assert held.held + sum(held.take_dropped().values()) == sum(n for _, n, _ in given_)


def test_history_is_an_even_sample_whatever_the_order() -> None:
    from ticketing.domain.traces.facts import Facts

    def facts(number: int) -> Facts:
        return Facts(f"trace-{number}", 1.0, 0.1, ("s", "op"), (), failed=False)

    one, other = History(), History()
    for number in range(1000):
        one.add(facts(number))
        other.add(facts(999 - number))
    assert len(one) == PER_SLOT_MAX
    assert one.through(2.0) == other.through(2.0)
    assert one.through(0.5) == []


def test_history_keeps_the_latest_slots() -> None:
    from ticketing.domain.traces.facts import Facts

    history = History()
    for number in range(SLOTS_MAX + 50):
        history.add(Facts("x", number * 10.0, 0.1, ("s", "op"), (), failed=False))
    assert len(history) == SLOTS_MAX
