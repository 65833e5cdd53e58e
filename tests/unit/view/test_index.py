"""The index: what it finds is what a look at every entry finds, in the same order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.errors import Misconfigured
from ticketing.view import index as module
from ticketing.view.index import Entry, Index
from ticketing.view.query import Place, Query, Sort
from ticketing.view.tokens import folded

AT = 1_900_000_000.0
SCOPE = "0123456789abcdef"


def id_of(number: int) -> str:
    return f"{SCOPE}-{number:016x}"


def entry(number: int = 1, **changes: Any) -> Entry:
    known: dict[str, Any] = {
        "text": f"payment failed {number}",
        "state": "open",
        "severity": "high",
        "rank": 2,
        "service": "checkout",
        "tenant": "acme",
        "opened": AT + number,
        "updated": AT + number,
        **changes,
    }
    tags = [f"status:{known['state']}", f"severity:{known['severity']}"]
    tags += [f"service:{known['service']}", f"tenant:{known['tenant']}"]
    return Entry(tags=tags, **known)


@pytest.fixture
def index() -> Iterator[Index]:
    made = Index()
    yield made
    made.close()


def found(index: Index, **asked: Any) -> list[int]:
    return [int(id[-16:], 16) for id in index.page(Query(**asked)).ids]


def fill(index: Index, *entries: Entry) -> None:
    index.apply([(id_of(number), one) for number, one in enumerate(entries)])


TEXTS = [
    "SocketTimeoutException: Read timed out",
    "读取超时 connection reset",
    "การเชื่อมต่อล้มเหลว",
    'he said "no" (twice)',
    "io on db 7",
    "",
]
WORDS = [
    "timeout",
    "TIMED out",
    "超时",
    "超",
    "เชื่อม",
    '"no"',
    "io",
    "db 7",
    "o",
    "zz",
    "on   io",
    "*",
]
FIELDS = st.fixed_dictionaries(
    {
        "text": st.sampled_from(TEXTS),
        "state": st.sampled_from(["open", "resolved"]),
        "tenant": st.sampled_from(["a", "b"]),
        "opened": st.sampled_from([AT, AT + 0.001, AT + 1.0, 0.0, 1e13]),
        "updated": st.sampled_from([AT, AT + 0.25, AT + 9.0]),
        "rank": st.integers(0, 3),
        "anomalies": st.sampled_from([0, 5, 10**9]),
    }
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "search": st.sampled_from(WORDS),
        "statuses": st.sampled_from([("open",), ("open", "resolved"), ("acknowledged",)]),
        "tenants": st.sampled_from([("a",), ("b", "c")]),
        "since": st.sampled_from([AT, AT + 1.0]),
        "until": st.sampled_from([AT, AT + 1.0]),
        "sort": st.sampled_from(list(Sort)),
        "ids": st.sampled_from([(id_of(0), id_of(3), id_of(99))]),
    },
)


def plainly(entries: dict[str, Entry], query: Query) -> list[str]:
    """The ids by a look at every entry."""
    keys = {
        Sort.CREATED: lambda one: min(round(one.opened * 1000), 2**42 - 1),
        Sort.UPDATED: lambda one: one.updated,
        Sort.SEVERITY: lambda one: one.rank,
        Sort.COUNT: lambda one: one.anomalies,
    }
    shown = [
        (keys[query.sort](one), id)
        for id, one in entries.items()
        if all(mentions(folded(one.text), word) for word in folded(query.search).split())
        and (not query.statuses or one.state in query.statuses)
        and (not query.tenants or one.tenant in query.tenants)
        and (not query.ids or id in query.ids)
        and (query.since is None or one.opened >= query.since)
        and (query.until is None or one.opened < query.until)
    ]
    return [id for _, id in sorted(shown, reverse=True)]


def mentions(text: str, word: str) -> bool:
    """Short words of Latin letters are found as a whole, all others anywhere."""
    return word in text.split() if len(word) < 3 and word.isascii() else word in text


@settings(max_examples=150, deadline=None)
@given(
    writes=st.lists(st.tuples(st.integers(0, 7), st.none() | FIELDS), max_size=14),
    asked=ASKED,
    limit=st.integers(1, 4),
)
def test_pages_hold_what_a_look_at_every_entry_finds(
    writes: list[Any], asked: dict[str, Any], limit: int
) -> None:
    index, entries = Index(), {}
    for number, fields in writes:
        entries.pop(id_of(number), None)
        if fields is not None:
            entries[id_of(number)] = entry(number, **fields)
        index.apply([(id_of(number), entries.get(id_of(number)))])
        index.tidy()
    query, seen = Query(**asked, limit=limit), []
    while True:
        hits = index.page(query)
        seen += hits.ids
        if hits.after is None:
            break
        query = replace(query, after=hits.after)
    assert seen == plainly(entries, query)
    index.close()


def test_no_page_is_empty_that_has_a_next_one(index: Index) -> None:
    fill(index, *(entry(number) for number in range(4)))
    first = index.page(Query(limit=4))
    assert (len(first.ids), first.after) == (4, None)
    assert index.page(Query(limit=3)).after == Place((AT + 1) * 1000, id_of(1))


def test_a_short_word_is_found_as_a_whole_and_chinese_anywhere(index: Index) -> None:
    fill(index, entry(text="io on db"), entry(text="radio"), entry(text="读取超时"))
    assert found(index, search="io") == [0]
    assert found(index, search="超时") == [2]
    assert found(index, search="时") == [2]


def test_tokens_that_stand_apart_are_no_word(index: Index) -> None:
    fill(index, entry(text="abcxef bcd cde def"))
    assert found(index, search="abcdef") == []


def test_nothing_is_left_of_what_was_taken_out(index: Index) -> None:
    index.apply([(id_of(number), entry(number, text="planted")) for number in range(300)])
    index.apply([(id_of(number), None) for number in range(300)])
    index.apply([(id_of(number), entry(number, text="other")) for number in range(300, 600)])
    assert b"pla" in _raw(index)
    for _ in range(20):
        index.tidy()
    assert found(index, search="planted", limit=500) == []
    assert b"pla" not in _raw(index)
    assert b"oth" in _raw(index)


def _raw(index: Index) -> bytes:
    """What FTS5 has on its pages."""
    return b"".join(row[0] for row in index._db.execute("SELECT block FROM found_data"))


def test_the_most_that_can_be_asked_for_is_answered(index: Index) -> None:
    fill(index, entry())
    many = tuple(f"name {number}" for number in range(50))
    wide = " ".join("abcdefgh"[number % 8] + str(number) for number in range(60))
    asked = {"services": many, "tenants": many, "alerts": many, "search": wide[:200]}
    assert found(index, **asked, ids=tuple(map(id_of, range(50)))) == []


def test_more_of_one_millisecond_than_a_page_holds_are_in_order(index: Index) -> None:
    fill(index, *(entry(opened=AT) for _ in range(40)))
    assert found(index, limit=7) == list(range(39, 32, -1))
    assert found(index, limit=7, after=Place(AT * 1000, id_of(33))) == list(range(32, 25, -1))


def test_a_closed_index_says_so(index: Index) -> None:
    index.close()
    with pytest.raises(sqlite3.Error):
        index.page(Query())


def test_a_sqlite_without_full_text_search_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCHEMA", "CREATE VIRTUAL TABLE found USING fts99(tokens)")
    with pytest.raises(Misconfigured, match="FTS5"):
        module.require_fts5()


def test_numbers_by_state_and_severity(index: Index) -> None:
    fill(index, entry(), entry(state="resolved", tenant="b"), entry(tenant="b"))
    assert sorted(index.counts(None)) == [("open", "high", 2), ("resolved", "high", 1)]
    assert sorted(index.counts(["b"])) == [("open", "high", 1), ("resolved", "high", 1)]
    assert index.counts([]) == []
