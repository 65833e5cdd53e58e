"""The requests that are followed: all of them, or a share where more come than evidence needs."""

from __future__ import annotations

from ticketing.domain.traces.sampling import (
    ANOMALOUS_MAX,
    FOLLOWED_MAX,
    LOTS,
    SCOPES_MAX,
    KnownShares,
    RequestSample,
    ScopeSample,
    lot_of,
)

AT = 1_900_000_020.0


def noted(sample: ScopeSample, count: int, at: float = AT) -> list[int]:
    """Requests of a minute, evenly over all lots; returns those that are followed."""
    found = []
    for number in range(count):
        lot = number * 2_654_435_761 % LOTS
        if sample.follows(lot):
            found.append(lot)
            sample.note(lot, at)
    return found


def test_all_requests_are_followed_while_they_are_few() -> None:
    sample = ScopeSample()
    for minute in range(5):
        assert len(noted(sample, FOLLOWED_MAX, AT + 60.0 * minute)) == FOLLOWED_MAX
    assert sample.level == 0


def test_of_many_requests_enough_are_followed_for_the_evidence_of_a_minute() -> None:
    sample = ScopeSample()
    for minute in range(3):
        noted(sample, 100_000, AT + 60.0 * minute)
    followed = noted(sample, 100_000, AT + 240.0)
    assert FOLLOWED_MAX / 4 < len(followed) <= FOLLOWED_MAX
    assert max(followed) < LOTS >> sample.level


def test_when_fewer_come_again_all_are_followed_again() -> None:
    sample = ScopeSample()
    noted(sample, 100_000)
    assert sample.level > 5
    for minute in range(1, 20):
        noted(sample, 100, AT + 60.0 * minute)
    assert sample.level == 0


def test_a_late_line_changes_no_share() -> None:
    sample = ScopeSample()
    noted(sample, 100_000)
    level = sample.level
    noted(sample, 10, AT - 600.0)
    assert sample.level == level
    noted(sample, 100_000)
    assert sample.level == level


def test_a_smaller_share_is_a_part_of_a_larger_one() -> None:
    few, many = ScopeSample(), ScopeSample()
    noted(few, 2_000)
    noted(many, 50_000)
    assert 0 < few.level < many.level
    assert all(few.follows(lot) for lot in range(0, many.limit, many.limit // 100))


def test_a_few_anomalous_requests_are_followed_beside_the_share() -> None:
    sample = ScopeSample()
    noted(sample, 100_000)
    beyond = range(LOTS - 1, LOTS - 1 - 2 * ANOMALOUS_MAX, -1)
    for lot in beyond:
        sample.note_anomalous(lot)
    assert sum(sample.follows(lot) for lot in beyond) == ANOMALOUS_MAX
    noted(sample, 1, AT + 60.0)
    assert not any(sample.follows(lot) for lot in beyond)


def test_scopes_have_shares_of_their_own_and_a_forgotten_one_begins_anew() -> None:
    requests = RequestSample()
    noted(requests.of("busy"), 10_000)
    assert requests.is_partial
    assert requests.of("quiet").level == 0
    for number in range(SCOPES_MAX):
        requests.of(f"other {number}")
    assert not requests.is_partial


def test_a_request_is_whole_within_the_smallest_share_of_its_time() -> None:
    ids = [f"{number:032x}" for number in range(200)]
    shares = KnownShares()
    assert all(shares.covers("s", id, AT) for id in ids)
    shares.note("s", 1, AT)
    shares.note("s", 3, AT)
    shares.note("s", 2, AT)
    covered = [id for id in ids if shares.covers("s", id, AT)]
    assert covered == [id for id in ids if lot_of(id) < LOTS // 8]
    assert 10 < len(covered) < 50
    assert [id for id in ids if shares.covers("s", id, AT + 59.0)] == covered
    assert all(shares.covers("s", id, AT + 180.0) for id in ids)
    assert all(shares.covers("other", id, AT) for id in ids)


def test_the_shares_of_all_partitions_are_remembered_for_minutes() -> None:
    shares = KnownShares()
    for minute in range(100):
        shares.note("s", 4, AT + 60.0 * minute)
    assert not all(shares.covers("s", f"{number:032x}", AT + 5_940.0) for number in range(200))
    assert all(shares.covers("s", f"{number:032x}", AT) for number in range(200))


def test_the_smallest_share_is_that_of_the_busiest_scope() -> None:
    requests = RequestSample()
    assert requests.smallest_share == 1.0
    requests.of("busy").level = 3
    requests.of("calm")
    assert requests.smallest_share == 0.125
