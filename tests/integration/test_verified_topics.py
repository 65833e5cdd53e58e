"""No record is read from a topic that is not the one that the state was made with."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from support.fleet import INPUT, PARTITIONS, Fleet, Worker
from support.logs import log
from support.waiting import wait_for

from ticketing.domain.scope import scope_of_incident
from ticketing.errors import EXIT_MISCONFIGURED
from ticketing.wire.topics import SIGNALS, platform_topic

pytestmark = pytest.mark.kafka

GROUP = "ticketing"
SERVICES = 10


def reconfigure(worker: Worker, **more: Any) -> None:
    """Change the worker's configuration, which its next start reads."""
    for section, values in more.items():
        worker.config[section] = {**worker.config.get(section, {}), **values}
    worker.config_file.write_text(json.dumps(worker.config))


def refused(worker: Worker) -> str:
    """The end of the log of a pipeline that refuses to start."""
    worker.start("pipeline")
    assert worker.roles["pipeline"].wait_ended() == EXIT_MISCONFIGURED, worker.tail("pipeline")
    return worker.tail("pipeline")


def lines(count: int) -> list[bytes]:
    return [log(service=f"service-{number % SERVICES}") for number in range(count)]


def test_topics_made_anew_are_refused_until_they_are_adopted(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    fleet.feed(lines(1_000))
    before = fleet.wait_counted(1_000)
    worker.wait_ready()
    worker.stop("pipeline")
    fleet.kafka.delete(SIGNALS)

    said = refused(worker)
    assert f"topic {SIGNALS} is gone" in said
    assert SIGNALS not in fleet.kafka.topics(), "made anew before anybody was asked"
    runtime = fleet.runtime()
    runtime.ensure_topics()
    said = refused(worker)
    assert f"topic {SIGNALS} has the id" in said
    assert "`ticketing topics adopt`" in said
    checked = worker.command("topics", "check")
    assert (checked.returncode, f"topic {SIGNALS} has the id" in checked.stderr) == (1, True)

    asked = worker.command("topics", "adopt")
    assert asked.returncode == 1
    assert "Lost:" in asked.stdout
    assert "--yes" in asked.stderr
    assert f"topic {SIGNALS} has the id" in refused(worker), "nothing was to be changed yet"
    adopted = worker.command("topics", "adopt", "--yes")
    assert adopted.returncode == 0, adopted.stderr
    assert worker.command("topics", "check").returncode == 0

    worker.start("pipeline")
    fleet.feed(lines(500))
    after = fleet.wait_counted(1_500)
    assert set(after) == set(before), "incidents are kept, and go on"
    # Every offset of the new topic is lower than those kept: a command must not be passed by.
    worker.wait_ready()
    id = min(after)
    status, said_by_api = worker.post(f"/api/incidents/{id}/resolve", {"by": "ann"})
    assert status == 200, said_by_api
    worker.stop("pipeline")
    worker.config["reopenWindow"] = "1ms"
    worker.config_file.write_text(json.dumps(worker.config))
    worker.start("pipeline")
    service = after[id].service
    fleet.feed([log(service=service), log("another fault", service="new")])
    latest = fleet.wait_counted(1_502)
    new = set(latest) - set(before)
    assert len(new) == 2
    assert {scope_of_incident(one) for one in new} == {scope_of_incident(id)}
    assert "nothing to adopt" in worker.command("topics", "adopt").stdout


@pytest.mark.chaos
def test_stored_offsets_beyond_the_end_are_refused_without_ids_too(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    fleet.feed(lines(1_000))
    before = fleet.wait_counted(1_000)
    worker.stop("pipeline")
    # Whatever is known of the topics is lost, as it is on a cluster to which others were mirrored.
    fleet.kafka.delete(SIGNALS, "ticketing-topics")
    (worker.data / "ticketing" / "topics.json").unlink()
    fleet.create_topics()
    said = refused(worker)
    assert f"run `ticketing topics adopt {SIGNALS}`" in said
    adopted = worker.command("topics", "adopt", SIGNALS, "--yes")
    assert adopted.returncode == 0, adopted.stderr
    worker.start("pipeline")
    fleet.feed(lines(500))
    assert set(fleet.wait_counted(1_500)) == set(before)


def test_another_number_of_partitions_is_refused_and_the_one_before_goes_on(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline")
    fleet.feed(lines(400))
    before = fleet.wait_counted(400)
    worker.kill("pipeline")
    fleet.feed(lines(400))
    for partitions in (PARTITIONS + 4, PARTITIONS // 2):
        reconfigure(worker, kafka={"partitions": partitions})
        assert f"set kafka.partitions to {PARTITIONS}" in refused(worker)
        checked = worker.command("topics", "check")
        assert checked.returncode == 1
        assert f"set kafka.partitions to {PARTITIONS}" in checked.stderr
    reconfigure(worker, kafka={"partitions": PARTITIONS, "messageMaxBytes": 64 * 1024 * 1024})
    assert "set kafka.messageMaxBytes to" in refused(worker)
    assert "set kafka.messageMaxBytes to" in worker.command("topics", "check").stderr
    whole = worker.command("worker")
    assert whole.returncode == EXIT_MISCONFIGURED
    assert "set kafka.messageMaxBytes to" in whole.stderr
    reconfigure(worker, kafka={"messageMaxBytes": 1_048_576})
    worker.start("pipeline")
    assert set(fleet.wait_counted(800)) == set(before)


def test_a_platform_is_enabled_before_its_adapter_runs(fleet: Fleet) -> None:
    fleet.create_topics()
    fleet.with_sandbox("slack")
    worker = fleet.worker("a", "pipeline")
    worker.wait_ready()
    assert platform_topic("slack") in fleet.kafka.topics()
    fleet.feed([log(level="FATAL")] * 5)
    wait_for(lambda: fleet.kafka.read(platform_topic("slack")), "a wish for the adapter")
    assert worker.roles["pipeline"].exits == []


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(30, marks=pytest.mark.chaos)], ids=["some", "many"]
)
def test_an_input_made_anew_under_load_loses_and_doubles_nothing(fleet: Fleet, rounds: int) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", keep=True)
    worker.wait_ready()
    expected = 0
    for number in range(rounds):
        # The new topic may be longer or shorter than the position in the one before.
        size = (300, 60, 2_000)[number % 3]
        fleet.feed(lines(size))
        expected += size
        fleet.wait_counted(expected)
        fleet.kafka.delete(INPUT)
        fleet.kafka.create(INPUT, PARTITIONS)
        size = (60, 900, 2_500)[number % 3]
        feeding = threading.Thread(target=fleet.feed, args=[lines(size)])
        feeding.start()
        feeding.join()
        expected += size
        fleet.wait_counted(expected)
    wait_for(lambda: fleet.lag(GROUP, INPUT) == 0, "the commits")
    fleet.feed(lines(40))
    fleet.wait_counted(expected + 40)
