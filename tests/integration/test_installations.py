"""Two installations on one cluster: each has all records, its own tickets, topics and offsets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.fleet import INPUT, Fleet, Worker
from support.kafka import Kafka
from support.logs import log
from support.waiting import wait_for

from ticketing.wire.incidents import decode_incident

pytestmark = pytest.mark.kafka

PREFIXES = ("acme-", "beta.")
FAULT = "the disk of the database is full"


class Installation:
    """A worker of an installation, with a prefix and a Slack of its own."""

    def __init__(self, fleet: Fleet, prefix: str) -> None:
        self.fleet, self.prefix = fleet, prefix
        fleet.with_sandbox("slack")
        fleet.configure(
            kafka={"prefix": prefix},
            traces={"enabled": False},
            routing={"high": ["slack"], "medium": ["slack"]},
        )
        self.worker: Worker = fleet.worker("a", "pipeline", "slack", start=False)
        done = self.worker.command("topics", "create")
        assert done.returncode == 0, done.stderr

    def counted(self) -> int:
        """How many records its incidents have counted."""
        records = self.fleet.kafka.read(f"{self.prefix}ticketing-incidents")
        latest = {record.key(): record.value() for record in records}
        return sum(decode_incident(value).count for value in latest.values() if value)

    def wait_counted(self, wanted: int) -> None:
        """Wait until so many are counted."""
        wait_for(
            lambda: self.counted() == wanted,
            lambda: f"{wanted} in {self.prefix}: {self.counted()}\n{self.fleet.tails()}",
            120,
        )

    def problems(self) -> list[str]:
        """What `ticketing status` finds wrong, from Kafka alone."""
        found = json.loads(self.worker.command("status", "--json", "--no-workers").stdout)
        return [one for one in found["problems"] if not one.startswith("view:")]


@pytest.fixture
def installations(broker: Kafka, tmp_path: Path) -> Iterator[list[Installation]]:
    with ExitStack() as held:
        made = []
        for prefix in PREFIXES:
            directory = tmp_path / prefix
            directory.mkdir()
            made.append(Installation(held.enter_context(Fleet(broker, directory)), prefix))
        yield made


def test_two_installations_share_a_cluster(
    broker: Kafka, installations: list[Installation]
) -> None:
    one, other = installations
    for each in installations:
        each.worker.start()
    for each in installations:
        each.worker.wait_ready()
    broker.produce(INPUT, [log(FAULT)] * 40)
    for each in installations:
        each.wait_counted(40)
        each.fleet.wait_tickets(lambda found: len(found) == 1, "its one ticket")

    one.worker.stop()
    broker.produce(INPUT, [log(FAULT)] * 10)
    other.wait_counted(50)
    assert one.counted() == 40, "what stands still is not moved on by the other"
    assert one.problems() == ["pipeline: no worker runs it", "slack: no worker runs it"]
    assert other.problems() == []

    one.worker.start()
    one.wait_counted(50)
    for each in installations:
        each.fleet.wait_tickets(lambda found: len(found) == 1, "still one ticket")
    own = {name for name in broker.topics() if not name.startswith("__")} - {INPUT}
    assert len(own) > 20
    assert all(name.startswith(tuple(f"{prefix}ticketing-" for prefix in PREFIXES)) for name in own)
