"""`ticketing status` shows a real fleet: roles, lag and tables, and a role that nobody runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.fleet import INPUT, PARTITIONS, Fleet, Worker
from support.logs import log
from support.waiting import wait_for

pytestmark = pytest.mark.kafka


@pytest.fixture
def watched(fleet: Fleet) -> Fleet:
    fleet.with_sandbox("slack")
    fleet.configure(traces={"enabled": False}, routing={"high": ["slack"], "medium": ["slack"]})
    fleet.create_topics()
    return fleet


def status(worker: Worker, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON of `ticketing status`."""
    done = worker.command("status", "--json", *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_status_shows_roles_lag_tables_and_what_is_wrong(watched: Fleet) -> None:
    worker = watched.worker("a", "pipeline", "slack", "view")
    worker.wait_ready()
    watched.feed([log("fault of the disk")] * 40)
    watched.wait_counted(40)

    def all_is_well() -> bool:
        code, found = status(worker)
        lag = found["roles"]["pipeline"]["topics"][INPUT]["lag"]
        return code == 0 and lag == 0 and found["workers"][0]["incidentsOpen"] == 1

    wait_for(all_is_well, lambda: f"a fleet without problems: {status(worker)}")
    _, found = status(worker)
    pipeline = found["roles"]["pipeline"]
    assert (pipeline["state"], pipeline["members"]) == ("stable", 1)
    owned = {name: topic["owned"] for name, topic in pipeline["topics"].items()}
    assert owned == dict.fromkeys(
        [INPUT, "ticketing-incidents", "ticketing-signals", "ticketing-events"], PARTITIONS
    )
    assert {table["table"] for table in found["workers"][0]["tables"]} == {
        "alerts",
        "incidents",
        "deliveries",
    }
    shown = worker.command("status")
    assert shown.returncode == 0
    assert "no problem found" in shown.stdout

    worker.stop("pipeline")
    watched.feed([log("fault of the disk")] * 30)
    code, found = status(worker, "--no-workers")
    assert code == 1
    assert found["problems"] == ["pipeline: no worker runs it"]
    assert found["roles"]["pipeline"]["topics"][INPUT]["lag"] == 30
    assert found["workers"] == []
