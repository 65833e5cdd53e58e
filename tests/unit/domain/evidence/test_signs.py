"""The signs: what a name in an error is worth, and what is usual."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.evidence import Request, tallies_of
from ticketing.domain.evidence.book import ASIDE_SLOTS_MAX, Book
from ticketing.domain.evidence.causes import ranked
from ticketing.domain.evidence.tally import SLOT_SECONDS
from ticketing.domain.traces.calltree import call_tree
from ticketing.domain.traces.facts import facts_of
from ticketing.domain.traces.spans import Line, gathered

KNOWN = ("shop", "desk", "stock-db")
SAYS = "could not reach stock-db in time"


def line(at: float, span: str, parent: str, error: str = "", seconds: float = 0.01) -> Line:
    return Line(
        at=at,
        span_id=f"{span}{at}",
        parent_id=f"{parent}{at}" if parent else "",
        service=span,
        endpoint="op",
        level="ERROR" if error else "INFO",
        duration=seconds,
        score=0.9 if error else 0.0,
        message=error or "m",
    )


def request(at: float, caller: str, error: str = "", asks: bool = True) -> Request:
    """A caller that asks the stock; an error of the caller's own comes last."""
    lines = [line(at, caller, "")]
    if asks:
        lines.append(line(at, "stock-db", caller, seconds=0.002))
    if error:
        lines.append(line(at, caller, "", error))
    facts = facts_of(f"{caller}{at}", call_tree(gathered(lines)), KNOWN)
    return facts, {f"{caller}-fails": caller} if error else {}


def book_of(requests: Iterable[Request]) -> tuple[Book, int]:
    book = Book()
    tallies = tallies_of(requests)
    for (slot, worker), tally in tallies.items():
        book.put(slot, worker, tally)
    return book, max(slot for slot, _ in tallies)


def first(requests: Iterable[Request]) -> str:
    book, last = book_of(requests)
    return ranked(book.evidence(last))[0][0]


USUAL = [request(1000.0 + n, caller) for n in range(240) for caller in ("shop", "desk")]


def test_a_named_service_that_serves_nobody_is_the_cause() -> None:
    now = [
        request(1240.0 + n, caller, SAYS, asks=False)
        for n in range(60)
        for caller in ("shop", "desk")
    ]
    assert first([*USUAL, *now]) == "stock-db"


def test_a_named_service_that_serves_others_as_usual_is_not() -> None:
    now = [
        request(1240.0 + n, caller, SAYS if caller == "shop" and n % 2 else "")
        for n in range(60)
        for caller in ("shop", "desk")
    ]
    assert first([*USUAL, *now]) == "shop"


def failing(share: int, since: float, until: float) -> list[Request]:
    """Requests of one second each, of which every so-manieth fails."""
    return [
        request(since + n, "shop", "no answer" if n % share == 0 else "")
        for n in range(int(until - since))
    ]


def strongest(requests: list[Request]) -> float:
    """The strength of the first after all requests, with a verdict in each slot."""
    book = Book()
    tallies = {slot: tally for (slot, _), tally in tallies_of(requests).items()}
    found: list[tuple[str, float]] = []
    for slot in range(min(tallies), max(tallies) + 1):
        if slot in tallies:
            book.put(slot, "w", tallies[slot])
        found = ranked(book.evidence(slot))
    return found[0][1] if found else 0.0


def test_a_service_that_falls_silent_is_found_by_its_missing_calls() -> None:
    silent = [request(1300.0 + n, "shop", asks=False) for n in range(60)]
    assert first([*USUAL, *silent]) == "stock-db"


def test_an_outbreak_does_not_become_usual() -> None:
    calm = failing(999, 1000, 1600)
    again = [*calm, *failing(2, 1600, 1760), *failing(999, 1760, 2100), *failing(2, 2100, 2160)]
    assert strongest(again) > 0.9 * strongest([*calm, *failing(2, 1600, 1660)])


def test_a_fault_that_lasts_becomes_usual() -> None:
    lasting = 1600 + 5 * ASIDE_SLOTS_MAX * SLOT_SECONDS
    calm = failing(999, 1000, 1600)
    assert (
        strongest([*calm, *failing(2, 1600, lasting)])
        < 5.0
        < strongest([*calm, *failing(2, 1600, 1700)])
    )


def test_bursts_as_strong_as_earlier_ones_are_no_news() -> None:
    requests = failing(999, 1000, 1600)
    for number in range(3):
        at = 1600 + number * 300
        requests += [*failing(2, at, at + 60), *failing(999, at + 60, at + 300)]
    fourth = failing(2, 2500, 2560)
    alone = strongest([*failing(999, 1000, 2500), *fourth])
    assert strongest([*requests, *fourth]) < alone / 2
