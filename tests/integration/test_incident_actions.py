"""People correct what was grouped wrongly, ask why, and delete: on a real broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.fleet import Fleet, Worker
from support.logs import log
from support.waiting import wait_for

from ticketing.wire.topics import INCIDENTS

pytestmark = pytest.mark.kafka

FAULTS = ("disk is full", "network is down", "clock is wrong")


def shown(worker: Worker, id: str) -> dict[str, Any]:
    status, found = worker.get(f"/api/incidents/{id}")
    assert status == 200
    return dict(found)


def act(worker: Worker, id: str, action: str, **body: Any) -> dict[str, Any]:
    status, answer = worker.post(f"/api/incidents/{id}/{action}", body)
    assert status == 200, answer
    return dict(answer)


def test_incidents_are_merged_split_moved_explained_and_deleted(fleet: Fleet) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    fleet.feed([log(text) for text in FAULTS])
    fleet.wait_counted(3)
    wait_for(lambda: len(worker.incidents()) == 3, "three incidents in the view")
    one, other, third = (incident["id"] for incident in worker.incidents())

    kept = act(worker, one, "merge", **{"with": other})["mergedInto"]
    (gone,) = {one, other} - {kept}
    wait_for(lambda: shown(worker, kept)["alertsTotal"] == 2, "both alerts in one incident")
    assert shown(worker, kept)["count"] == 2
    assert (shown(worker, gone)["status"], shown(worker, gone)["mergedInto"]) == ("resolved", kept)
    answer = act(worker, gone, "acknowledge", by="kim")
    assert (answer["id"], answer["status"]) == (gone, "acknowledged")
    assert shown(worker, kept)["status"] == "acknowledged"

    status, alerts = worker.get(f"/api/incidents/{kept}/alerts")
    assert status == 200
    fingerprint, title = alerts[-1]["fingerprint"], alerts[-1]["title"]
    assert alerts[-1]["topic"] == "enriched-logs"
    act(worker, kept, "split", alerts=[fingerprint])

    def holders() -> list[str]:
        found = worker.get(f"/api/incidents?alert={fingerprint}")[1]
        return [incident["id"] for incident in found]

    wait_for(lambda: holders() not in ([kept], []), "an incident of the alert's own")
    (made,) = holders()
    assert shown(worker, made)["splitFrom"] == kept

    # A person's decision holds: the alert fires again and counts where it was put.
    fleet.feed([log(title)])
    fleet.wait_counted(4)
    wait_for(lambda: shown(worker, made)["count"] == 2, "the count of the split alert")
    assert shown(worker, kept)["count"] == 1
    known = {alert["fingerprint"]: alert for alert in worker.get("/api/v1/alerts")[1]}
    assert len(known) == 3
    wait_for(
        lambda: worker.get(f"/api/v1/alerts?q={fingerprint}")[1][0]["count"] == 2,
        "the alert's count in the view",
    )

    assert act(worker, made, "move", alerts=[fingerprint], into=third)["movedTo"] == third
    wait_for(lambda: shown(worker, third)["count"] == 3, "the alert's counts in the third")
    assert shown(worker, made)["resolution"] == "moved"
    status, problem = worker.post(f"/api/incidents/{made}/reopen")
    assert (status, problem["currentStatus"]) == (409, shown(worker, third)["status"])

    told = worker.command("explain", third)
    assert told.returncode == 0, told.stderr
    assert f"{INCIDENTS}[" in told.stdout
    assert f"first record: enriched-logs[{alerts[-1]['partition']}]" in told.stdout
    done = worker.command("act", "note", third, "--text", "seen", "--by", "kim")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["notedAt"]
    assert act(worker, third, "delete")["status"] == "deleted"
    assert worker.get(f"/api/incidents/{third}")[0] == 404
    told = worker.command("explain", third)
    assert (told.returncode, "deleted" in told.stderr) == (1, True)
    assert fleet.dead_letters() == []
    assert not any(process.exits for process in worker.roles.values())
