"""A worker that lost its disk reads its tables back from their changelogs."""

from __future__ import annotations

import pytest
from support.fleet import INPUT, Fleet
from support.load import faults, record
from support.requirements import wait_for

pytestmark = pytest.mark.kafka


def test_an_incident_outlives_the_disk_of_its_worker(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", kafka={"groupInstanceId": "a"})
    worker.wait_ready()
    broken = faults(10, [("high", "")])
    lines = [record(broken[number % 10], number) for number in range(1000)]
    fleet.feed(lines)
    before = fleet.wait_counted(1000)
    wait_for(lambda: fleet.lag("ticketing", INPUT) == 0, "the offsets to be committed")
    worker.kill("pipeline")
    worker.wipe("pipeline")
    worker.start("pipeline")
    worker.wait_ready()
    fleet.feed(lines)
    after = fleet.wait_counted(2000)
    assert set(after) == set(before)
