"""Tables on a real broker: whatever becomes of a disk, the changelog has all of it."""

from __future__ import annotations

import pytest
from support.fleet import Fleet
from support.logs import log
from support.waiting import wait_for

from ticketing.errors import EXIT_MISCONFIGURED
from ticketing.wire.topics import changelog_topic

pytestmark = pytest.mark.kafka

SERVICES = [f"service-{number}" for number in range(20)]


def one_each() -> list[bytes]:
    return [log(service=service) for service in SERVICES]


def test_another_worker_takes_over_with_the_state(fleet: Fleet) -> None:
    fleet.create_topics()
    first = fleet.worker("a", "pipeline")
    fleet.feed(one_each())
    before = fleet.wait_counted(20)
    second = fleet.worker("b", "pipeline")
    second.wait_ready()
    first.wait_ready()
    for _ in range(3):
        fleet.feed(one_each())
    fleet.wait_counted(80)
    first.kill("pipeline")
    fleet.feed(one_each())
    after = fleet.wait_counted(100)
    assert set(after) == set(before)
    first.start("pipeline")
    first.wait_ready("pipeline")
    second.stop("pipeline")
    fleet.feed(one_each())
    after = fleet.wait_counted(120)
    assert {incident.count for incident in after.values()} == {6}


def test_a_disk_that_is_ahead_of_a_new_changelog_is_dropped(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    for _ in range(3):
        fleet.feed(one_each())
    fleet.wait_counted(60)
    worker.stop("pipeline")
    # Somebody starts over with Kafka, and forgets the disk.
    fleet.kafka.empty()
    fleet.create_topics()
    worker.start("pipeline")
    assert worker.roles["pipeline"].wait_ended() == EXIT_MISCONFIGURED, worker.tail("pipeline")
    adopted = worker.command("topics", "adopt", "--yes")
    assert adopted.returncode == 0, adopted.stderr
    ended = len(worker.roles["pipeline"].exits)
    worker.start("pipeline")
    fleet.feed(one_each())
    incidents = fleet.wait_counted(20)
    assert len(incidents) == 20
    wait_for(
        lambda: sum(fleet.kafka.ends(changelog_topic("ticketing", "incidents")).values()) >= 20,
        "a new changelog",
    )
    assert len(worker.roles["pipeline"].exits) == ended, worker.tail("pipeline")
