"""A worker that lost its disk reads its tables back from their changelogs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from support.fleet import INPUT, PARTITIONS, Fleet
from support.load import faults, record
from support.waiting import wait_for

from ticketing.wire.topics import PIPELINE_APP, changelog_topic

pytestmark = pytest.mark.kafka

TABLES = ("alerts", "incidents")
CHANGELOGS = [changelog_topic(PIPELINE_APP, table) for table in TABLES]


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


def halved(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(("pattern", "harm"), [("CURRENT", emptied), ("MANIFEST-*", halved)])
def test_a_damaged_table_is_set_aside_and_read_anew_by_one_start(
    fleet: Fleet, pattern: str, harm: Callable[[Path], None]
) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", kafka={"groupInstanceId": "a"})
    worker.wait_ready()
    broken = faults(40, [("high", "")])
    lines = [record(broken[number % 40], number) for number in range(1000)]
    fleet.feed(lines)
    before = fleet.wait_counted(1000)
    wait_for(lambda: fleet.lag("ticketing", INPUT) == 0, "the offsets to be committed")
    worker.kill("pipeline")
    tables = worker.data / PIPELINE_APP
    harmed = [path for path in tables.rglob(pattern) if path.is_file()]
    assert len(harmed) == len(TABLES) * PARTITIONS
    for path in harmed:
        harm(path)
    worker.start("pipeline")
    worker.wait_ready()
    fleet.feed(lines)
    after = fleet.wait_counted(2000)
    assert set(after) == set(before)
    assert len(worker.roles["pipeline"].exits) == 1, worker.tail("pipeline")
    assert worker.log("pipeline").count("set aside as") == len(TABLES) * PARTITIONS
    told = worker.metrics()
    for table in TABLES:
        assert told[f"ticketing_tables_set_aside_total{{table={table}}}"] == PARTITIONS
    assert len(list(tables.rglob("*.damaged-*"))) == 2


def test_a_changelog_is_read_past_an_aborted_transaction(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    worker.wait_ready()
    broken = faults(8, [("high", "")])
    fleet.feed([record(broken[number % 8], number) for number in range(100)])
    before = fleet.wait_counted(100)
    worker.stop("pipeline")
    producer = Producer({**fleet.kafka.client, "transactional.id": "somebody"})
    producer.init_transactions(60)
    producer.begin_transaction()
    for partition in range(fleet.runtime().partitions):
        for changelog in CHANGELOGS:
            producer.produce(changelog, b"never", b"never", partition=partition)
    producer.flush(60)
    producer.abort_transaction(60)
    worker.wipe("pipeline")
    worker.start("pipeline")
    worker.wait_ready()
    fleet.feed([record(broken[number % 8], number) for number in range(100)])
    assert set(fleet.wait_counted(200)) == set(before)


def test_a_worker_that_comes_and_goes_takes_no_state_with_it(fleet: Fleet) -> None:
    """Partitions come back to a disk that others have written past, or that was ahead of them."""
    fleet.create_topics()
    first = fleet.worker("a", "pipeline")
    first.wait_ready()
    broken = faults(20, [("high", "")])
    total = 0
    known: set[str] = set()

    def more() -> None:
        nonlocal total, known
        total += fleet.feed([record(broken[number % 20], number) for number in range(200)])
        found = set(fleet.wait_counted(total))
        assert not known or found == known
        known = found

    more()
    second = fleet.worker("b", "pipeline")
    for _ in range(2):
        second.wait_ready()
        more()
        second.stop("pipeline")
        more()
        second.start("pipeline")
