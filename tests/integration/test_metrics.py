"""Metrics of real workers: the gauges agree with the API, and every worker can be asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.fleet import PARTITIONS, Fleet, Worker
from support.logs import log
from support.redis import RedisServer
from support.requirements import free_port
from support.waiting import wait_for

from ticketing.domain.scope import partition_of_incident

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

FAULTS = ("disk", "network", "clock", "memory", "socket", "thread", "queue", "cache")
STOP_SECONDS_MAX = 30.0
OPEN = "ticketing_incidents_open"


def samples(text: str) -> dict[str, float]:
    """Every sample, with the values of its labels behind its name."""
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Installation:
    """Workers that share the incidents, and the API of the first of them."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.first = fleet.worker("a", "pipeline", "view")
        self.first.wait_ready()

    def open_by_metrics(self) -> int:
        """The sum over the workers; the first is asked for its /metrics."""
        status, text = self.first.get("/metrics")
        assert status == 200
        others = [worker for worker in self.fleet.workers.values() if worker is not self.first]
        return int(samples(text)[OPEN] + sum(_share(worker) for worker in others))

    def open_by_api(self) -> list[str]:
        """The ids in the API's list that are not resolved."""
        return [one["id"] for one in self.first.incidents() if one["status"] != "resolved"]

    def spare_by_api(self) -> list[str]:
        """Those but one of each partition, so that a worker of any partition has a share."""
        found = {partition_of_incident(id, PARTITIONS): id for id in self.open_by_api()}
        assert len(found) == PARTITIONS
        return [id for id in self.open_by_api() if id not in found.values()]

    def wait_open(self, expected: int) -> None:
        """Wait until both say so."""

        def seen() -> tuple[int, int]:
            return self.open_by_metrics(), len(self.open_by_api())

        wait_for(
            lambda: seen() == (expected, expected),
            lambda: f"{expected} open incidents; metrics and API say {seen()}",
        )

    def resolve(self, ids: list[str]) -> None:
        """Resolve these, by command."""
        for id in ids:
            status, body = self.first.post(f"/api/incidents/{id}/resolve", {})
            assert status in (200, 202), body


def _share(worker: Worker) -> float:
    running = any(process.running for process in worker.roles.values())
    return worker.metrics().get(OPEN, 0.0) if running else 0.0


def test_the_gauge_of_open_incidents_agrees_with_the_api_at_every_point(
    fleet: Fleet, redis_server: RedisServer, prefix: str
) -> None:
    fleet.configure(redis={"url": redis_server.url, "prefix": prefix})
    fleet.create_topics()
    installation = Installation(fleet)
    first = installation.first
    fleet.feed([log(f"fault of the {name}", tenant_id=name) for name in FAULTS] * 3)
    installation.wait_open(len(FAULTS))
    installation.resolve(installation.spare_by_api()[:3])
    left = len(FAULTS) - 3
    installation.wait_open(left)

    first.restart("pipeline")
    installation.wait_open(left)

    second = fleet.worker("b", "pipeline")
    second.wait_ready()
    wait_for(lambda: 0 < _share(second) < left, "a share of the second worker")
    installation.wait_open(left)
    installation.resolve(installation.open_by_api()[:1])
    installation.wait_open(left - 1)

    second.stop()
    installation.wait_open(left - 1)
    # The partitions of the second worker have come back, perhaps a moment ago.

    def told() -> dict[str, float]:
        return samples(first.get("/metrics")[1])

    wait_for(lambda: told().get("ticketing_app_ready:pipeline") == 1, "the first to be ready")
    assert told()["ticketing_batch_records_total:detection"] >= len(FAULTS) * 3


def test_what_a_platform_is_behind_with_agrees_with_its_tickets(fleet: Fleet) -> None:
    sandbox = fleet.with_sandbox("slack")
    fleet.configure(routing={"high": ["slack"], "medium": ["slack"], "low": ["slack"]})
    fleet.create_topics()
    sandbox.set_fault("slack", "server_error")
    worker = fleet.worker("a", "pipeline", "slack", "view")
    worker.wait_ready()
    fleet.feed([log(f"fault of the {name}") for name in FAULTS])

    def pending() -> float:
        return samples(worker.get("/metrics")[1]).get("ticketing_deliveries_pending:slack", -1.0)

    wait_for(lambda: pending() == len(FAULTS), lambda: f"all of them pending, not {pending()}")
    worker.restart("slack")
    wait_for(lambda: pending() == len(FAULTS), lambda: f"the same anew, not {pending()}")
    sandbox.set_fault("slack", "none")
    wait_for(lambda: pending() == 0, lambda: f"nothing pending, not {pending()}")
    assert len(sandbox.tickets()) == len(FAULTS)


@contextmanager
def command(fleet: Fleet, *roles: str, pids: list[int] | None = None) -> Iterator[int]:
    """`ticketing worker ROLE...` as people start it; gives the port of its metrics.

    `pids` gets the id of the process.
    """
    port = free_port()
    fleet.configure(metrics={"port": port}, dataDir=str(fleet.directory / "data"))
    path = fleet.directory / "command.json"
    path.write_text(json.dumps(fleet.config))
    said = fleet.directory / "command.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ticketing", "worker", *roles],
            env={**os.environ, "TICKETING_CONFIG": str(path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    if pids is not None:
        pids.append(process.pid)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == 0, said.read_text()[-3000:]


def get(port: int, path: str) -> tuple[int, str] | None:
    """Status and body; None while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def reasons_until_ready(port: int) -> list[list[str]]:
    """Which reasons /ready gave, each once, until there was none."""
    given: list[list[str]] = []

    def ready() -> bool:
        found = get(port, "/ready")
        if found is None or found[0] == 200:
            return found is not None
        assert found[0] == 503
        body: dict[str, Any] = json.loads(found[1])
        if not given or given[-1] != body["reasons"]:
            given.append(body["reasons"])
        return False

    wait_for(ready, lambda: f"the worker; so far: {given}")
    return given


def test_a_worker_of_one_role_answers_for_itself(fleet: Fleet) -> None:
    fleet.create_topics()
    with command(fleet, "pipeline") as port:
        assert reasons_until_ready(port)[0] == ["pipeline has not started"]
        assert get(port, "/health") == (200, '{"status": "ok"}')
        fleet.feed([log("fault of the disk")])
        fleet.wait_counted(1)

        def told() -> bool:
            answer = get(port, "/metrics")
            return answer is not None and samples(answer[1])[OPEN] == 1

        wait_for(told, "the open incident in the metrics")


def test_the_supervisor_answers_for_its_roles(fleet: Fleet) -> None:
    fleet.with_sandbox("slack")
    fleet.create_topics()
    with command(fleet, "pipeline", "slack") as port:
        given = reasons_until_ready(port)
        assert given[0] == ["pipeline has not started", "slack has not started"]
        answer = get(port, "/metrics")
        assert answer is not None
        told = samples(answer[1])
        assert told["ticketing_app_ready:pipeline"] == told["ticketing_app_ready:slack"] == 1


def children(pid: int) -> dict[str, int]:
    """The children of a supervisor by role."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        # One that has just ended has none, one that just begins its parent's.
        if arguments[-3:-2] == [b"worker"]:
            found[arguments[-2].decode()] = int(child)
    return found


def test_a_crash_loop_is_told_though_each_process_gets_ready(fleet: Fleet) -> None:
    fleet.create_topics()
    pids: list[int] = []
    with command(fleet, "pipeline", "traces", pids=pids) as port:
        reasons_until_ready(port)
        for _ in range(3):
            before = children(pids[0])["pipeline"]
            os.kill(before, signal.SIGKILL)
            wait_for(
                lambda before=before: children(pids[0]).get("pipeline", before) != before,
                "the next process",
            )

        def ready_again() -> bool:
            answer = get(port, "/metrics")
            return (
                answer is not None and samples(answer[1]).get("ticketing_app_ready:pipeline") == 1
            )

        wait_for(ready_again, "the pipeline to call itself ready")
        answer, told = get(port, "/ready"), get(port, "/metrics")
        assert answer is not None
        assert told is not None
        assert answer[0] == 503
        assert json.loads(answer[1])["reasons"] == [
            "pipeline: restarted 3 times in a minute: killed"
        ]
        found = samples(told[1])
        assert found["ticketing_worker_crash_looping:pipeline"] == 1
        assert found["ticketing_worker_crash_looping:traces"] == 0
        assert found["ticketing_worker_restarts_total:killed:pipeline"] == 3
