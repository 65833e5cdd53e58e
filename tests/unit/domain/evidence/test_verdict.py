"""From lines to a verdict: the same in any order of tallies, and with any number of workers."""

from __future__ import annotations

import random

import pytest

from tests.support import microservices
from tests.support.evidence import Request, requests_of, tallies_of
from ticketing.domain.events import Verdict
from ticketing.domain.evidence.book import Book
from ticketing.domain.evidence.packing import joined, packed, parts, unpacked
from ticketing.domain.evidence.tally import SLOT_SECONDS, Tally
from ticketing.domain.evidence.verdict import verdict_of

SCOPE = "0" * 16
FAULT_AT = microservices.START + 600
AFTER_SECONDS = 90


def broken(kind: str, seed: int = 3) -> tuple[str, list[Request]]:
    """The service that fails in the last 90 s, and the requests until then."""
    system = microservices.System(seed, services=8)
    operation = system.reachable()[-1]
    fault = microservices.Fault(kind, operation, FAULT_AT)
    return operation.service, requests_of(system.run(fault, 600 + AFTER_SECONDS))


def verdict(tallies: list[tuple[tuple[int, str], Tally]]) -> Verdict:
    """The verdict after all tallies were put in this order."""
    book = Book()
    for (slot, worker), tally in tallies:
        book.put(slot, worker, tally)
    return verdict_of(book, SCOPE, max(slot for (slot, _), _ in tallies))


def names(verdict: Verdict) -> list[tuple[str, float]]:
    return [(cause.service, cause.strength) for cause in verdict.ranking]


@pytest.mark.parametrize("kind", ["exception", "return", "cpu"])
def test_the_broken_service_is_the_cause(kind: str) -> None:
    service, requests = broken(kind)
    found = verdict(list(tallies_of(requests).items()))
    assert found.causes[0].service == service
    assert found.ranking[0].service == service
    assert found.causes[0].reasons
    assert found.at >= requests[-1][0].at


def test_alerts_hang_below_the_cause() -> None:
    service, requests = broken("exception")
    found = verdict(list(tallies_of(requests).items()))
    held = [one for one in found.alerts if one.requests > 10 and one.risen]
    assert held
    assert all(found.causes[one.cause].service == service for one in held)


def test_a_cause_knows_when_it_began() -> None:
    service, requests = broken("return")
    (cause,) = verdict(list(tallies_of(requests).items())).causes
    assert cause.service == service
    assert abs(cause.began - FAULT_AT) <= 2 * SLOT_SECONDS


def test_an_alert_from_before_a_cause_does_not_hang_below_it() -> None:
    service, requests = broken("return")
    early = next(place for place, (facts, _) in enumerate(requests) if facts.at > FAULT_AT - 25)
    facts, alerts = requests[early]
    requests[early] = facts, {**alerts, "noise": service}
    found = verdict(list(tallies_of(requests).items()))
    noise = next(one for one in found.alerts if one.fingerprint == "noise")
    assert (noise.cause, noise.requests) == (-1, 1)


def test_an_alert_tells_how_sure_its_rise_is_and_among_how_many_requests() -> None:
    _, requests = broken("return")
    found = verdict(list(tallies_of(requests).items()))
    risen = max(found.alerts, key=lambda one: one.requests)
    assert risen.strength > 5
    assert risen.of > 100


def test_after_a_pause_nothing_is_known_to_be_seldom() -> None:
    _, requests = broken("return")
    paused = [one for one in requests if not FAULT_AT - 400 < one[0].at < FAULT_AT - 100]
    found = verdict(list(tallies_of(paused).items()))
    assert {one.of for one in found.alerts} == {0}


def test_calls_between_services_are_edges() -> None:
    _, requests = broken("exception")
    found = verdict(list(tallies_of(requests).items()))
    called = {
        (call.operation[0], child[0])
        for facts, _ in requests
        for call in facts.observed
        for child in call.children
        if call.operation[0] != child[0]
    }
    assert found.edges
    assert set(found.edges) <= called


def test_nothing_broken_has_no_cause() -> None:
    system = microservices.System(5, services=8)
    requests = requests_of(system.run(None, 690))
    assert verdict(list(tallies_of(requests).items())).causes == []


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_share_the_requests_rank_alike(workers: int) -> None:
    _, requests = broken("cpu")
    alone = verdict(list(tallies_of(requests).items()))
    shared = verdict(list(tallies_of(requests, workers).items()))
    assert names(shared) == names(alone)
    assert [one.service for one in shared.causes] == [one.service for one in alone.causes]


def test_the_order_of_tallies_changes_nothing() -> None:
    _, requests = broken("return")
    tallies = list(tallies_of(requests, workers=3).items())
    expected = verdict(tallies)
    for seed in range(5):
        random.Random(seed).shuffle(tallies)
        assert verdict(tallies) == expected


def test_a_later_tally_replaces_an_earlier_one_of_the_worker() -> None:
    _, requests = broken("return")
    half = list(tallies_of(requests[::2]).items())
    whole = list(tallies_of(requests).items())
    assert verdict([*half, *whole, *whole]) == verdict(whole)


def test_the_wire_keeps_a_tally_whole() -> None:
    _, requests = broken("exception")
    tally = Tally()
    for facts, alerts in requests:
        tally.add(facts, alerts)
    assert packed(unpacked(packed(tally))) == packed(tally)
    again = joined(unpacked(packed(part)) for part in parts(tally, 5))
    slot = int(requests[-1][0].at // SLOT_SECONDS)
    assert verdict([((slot, "w"), again)]) == verdict([((slot, "w"), tally)])
