"""The way to a service: its callers wait, its own calls are as fast as ever."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.support.evidence import Request, tallies_of
from ticketing.domain.evidence.book import Book
from ticketing.domain.evidence.causes import ranked
from ticketing.domain.evidence.tally import SLOT_SECONDS
from ticketing.domain.traces.calltree import call_tree
from ticketing.domain.traces.facts import facts_of
from ticketing.domain.traces.spans import Line, gathered

CALLEES = {"stock": 0.004, "price": 0.003, "tax": 0.004}
RECENT_SECONDS = 120


def request(number: int, at: float, waits: dict[str, float], caller: str = "shop") -> Request:
    """A caller that asks its callees in turn, and waits for the way to each and back."""
    lines: list[Line] = []

    def write(at: float, span: str, parent: str, service: str, seconds: float) -> None:
        line = Line(
            at=at,
            span_id=f"{span}{number}",
            parent_id=f"{parent}{number}" if parent else "",
            service=service,
            endpoint="op",
            level="INFO",
            duration=seconds,
            score=0.0,
            message="m",
        )
        lines.append(line)

    now = at + 0.002
    for callee, seconds in CALLEES.items():
        wait = waits.get(callee, 0.0) / 2
        now += wait + 0.001
        write(now, callee, caller, callee, seconds)
        now += seconds + wait + 0.001
    write(at, caller, "", caller, now - at + 0.002)
    return facts_of(f"{caller}{number}", call_tree(gathered(lines))), {}


def ranking(requests: Iterable[Request]) -> list[tuple[str, float]]:
    book = Book()
    for (slot, worker), tally in tallies_of(requests).items():
        book.put(slot, worker, tally)
    last = max(int(facts.at // SLOT_SECONDS) for facts, _ in requests)
    return ranked(book.evidence(last))


def usual(caller: str = "shop") -> list[Request]:
    chance = random.Random(3)
    return [request(n, 1000.0 + n, {"price": chance.random() * 0.002}, caller) for n in range(200)]


def test_a_slow_way_is_laid_to_the_callee_and_not_to_its_neighbours() -> None:
    now = [request(500 + n, 1200.0 + n, {"price": 0.5}) for n in range(40)]
    found = dict(ranking([*usual(), *now]))
    assert max(found, key=lambda service: found[service]) == "price"
    assert set(found) <= {"price", "shop"}


def test_a_callee_that_others_reach_as_usual_is_innocent() -> None:
    now = [request(500 + n, 1200.0 + n, {"price": 0.5}) for n in range(40)]
    others = [request(700 + n, 1200.0 + n, {}, "desk") for n in range(40)]
    found = ranking([*usual(), *usual("desk"), *now, *others])
    assert [service for service, _ in found] == ["shop"]


def test_a_callee_that_all_wait_for_is_guilty() -> None:
    now = [
        request(500 + n, 1200.0 + n, {"price": 0.5}, caller)
        for n in range(40)
        for caller in ("shop", "desk")
    ]
    found = ranking([*usual(), *usual("desk"), *now])
    alone = ranking([*usual(), *now[::2]])
    assert found[0][0] == alone[0][0] == "price"
    assert found[0][1] > alone[0][1]


def test_a_little_more_time_is_weaker_than_much_more() -> None:
    little = [request(500 + n, 1200.0 + n, {"price": 0.04}) for n in range(40)]
    much = [request(500 + n, 1200.0 + n, {"price": 2.0}) for n in range(40)]
    assert ranking([*usual(), *little])[0][1] < ranking([*usual(), *much])[0][1] / 2
