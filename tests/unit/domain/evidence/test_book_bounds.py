"""Bounds: many operations, endless details, many workers, and rows of another release."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.domain.evidence import book as book_module
from ticketing.domain.evidence import tally as tally_module
from ticketing.domain.evidence.book import SLOTS_MAX, Book
from ticketing.domain.evidence.packing import joined, packed, parts, unpacked
from ticketing.domain.evidence.tally import ALL, CALLS, ENDLESS, KINDS, REQUESTS, REST, Tally
from ticketing.domain.evidence.verdict import verdict_of
from ticketing.domain.traces.facts import Facts, Observed, Operation


def facts(number: int, operation: Operation, children: tuple[Operation, ...] = ()) -> Facts:
    call = Observed(
        trace_id=f"t{number}",
        operation=operation,
        own=0.01,
        duration=0.02,
        lines=1,
        failed=False,
        origin=False,
        spoiled=False,
        excused=False,
        children=children,
        gaps=(),
    )
    return Facts(f"t{number}", float(number % 10), 0.02, operation, (call,), failed=False)


MANY = [facts(n, (f"s{n % 50}", f"op{n}")) for n in range(600)]


def filled(requests: list[Facts]) -> Tally:
    tally = Tally()
    for one in requests:
        tally.add(one, {})
    return tally


def test_of_too_many_operations_the_same_stay_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "ITEMS_MAX", 500)
    first = filled(MANY)
    assert len(first) <= 500
    assert first.operations[ALL][REQUESTS, None].count == len(MANY)
    counted = sum(item.count for _, kind, _, item in first.items() if kind == CALLS)
    assert counted + first.dropped == len(MANY)
    for seed in range(3):
        shuffled = list(MANY)
        random.Random(seed).shuffle(shuffled)
        again = filled(shuffled)
        assert again.operations.keys() == first.operations.keys()


def test_endless_details_are_counted_in_one() -> None:
    requests = [facts(n, ("shop", "buy"), (("stock", f"item{n}"),)) for n in range(1_000)]
    forward, backward = filled(requests), filled(requests[::-1])
    items = forward.operations["shop", "buy"]
    assert sum(kind == CALLS for kind, _ in items) <= tally_module.DETAILS_MAX + 1
    assert sum(item.count for (kind, _), item in items.items() if kind == CALLS) == 1_000
    assert items[CALLS, REST].count > 0
    assert packed(forward)[0] is not None
    assert items.keys() == backward.operations["shop", "buy"].keys()


def test_a_book_forgets_its_earliest_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "ITEMS_MAX", 20_000)
    book = Book()
    tally = filled(MANY)
    for slot in range(2 * SLOTS_MAX):
        book.put(slot, "w", tally)
    assert book.size <= 20_000
    verdict_of(book, "0" * 16, 2 * SLOTS_MAX)
    book.put(2 * SLOTS_MAX, "w", Tally())
    assert book.size >= len(tally)


def test_the_present_of_many_workers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = filled(MANY[:60])
    monkeypatch.setattr(book_module, "ITEMS_MAX", 2 * len(tally))
    monkeypatch.setattr(book_module, "PRESENT_ITEMS_MAX", 20 * len(tally))
    book = Book()
    for slot in range(5):
        for worker in range(10):
            book.put(slot, f"w{worker}", tally)
        verdict_of(book, "0" * 16, slot)
        assert book.size <= 20 * len(tally)
    assert {slot for slot, _ in book.sample([(ALL, REQUESTS, None)])} == {3, 4}


def test_a_slot_has_so_many_workers_at_most() -> None:
    book = Book()
    for number in range(2 * book_module.WORKERS_MAX):
        book.put(1, f"w{number}", filled(MANY[:1]))
    assert book.size == book_module.WORKERS_MAX * len(filled(MANY[:1]))


def test_names_and_lists_that_are_no_tally_are_left_out() -> None:
    rows = packed(filled(MANY[:3]))
    broken: list[Any] = [
        *([None, 5, "x", [], [[]], [None, None], [[["a"]], [[0, [[0]]]]]]),
        [rows[0], [[10**6, rows[1][0][1]]]],
        [rows[0], [[0, [[99, None, 1, 0, 0, []], [0, None, -1, 0, 0, []]]]]],
        [rows[0], [[1, [[2, [[77], False, 1], 1, 0, 0, []]]]]],
    ]
    for one in broken:
        assert sum(item.count for *_, item in unpacked(one).items()) == 0


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_a_rest_of_a_kind_that_has_none_is_left_out(kind: int) -> None:
    items = [[kind, REST, 9, 0, 0, []], [3, 7, 9, 0, 0, []], [2, [[], False, 1], 9, 0, 0, []]]
    again = unpacked([[["a", "b"]], [[0, items]]])
    assert {one for _, one, detail, _ in again.items() if detail == REST} <= ENDLESS
    verdict_of_one(again)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=40,
)


@given(json)
@settings(max_examples=100, deadline=None)
def test_any_rows_make_a_tally(rows: Any) -> None:
    again = unpacked(rows)
    assert packed(unpacked(packed(again))) == packed(again)
    verdict_of_one(again)


@given(st.lists(st.integers(0, 59), max_size=40), st.integers(1, 7))
@settings(max_examples=50, deadline=None)
def test_parts_together_are_the_whole(chosen: list[int], count: int) -> None:
    tally = filled([MANY[number] for number in chosen])
    again = joined(parts(tally, count))
    assert {(o, k, d): i.count for o, k, d, i in again.items()} == {
        (o, k, d): i.count for o, k, d, i in tally.items()
    }


def verdict_of_one(tally: Tally) -> None:
    book = Book()
    book.put(1, "w", tally)
    verdict_of(book, "0" * 16, 1)
    verdict_of(book, "0" * 16, 20)
    book.put(1, "w", Tally())
    assert book.size == 0
