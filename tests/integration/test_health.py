"""The health of a fleet, told by an API of its own: roles, circuits, undelivered pages."""

from __future__ import annotations

from typing import Any

import pytest
from support.fleet import Fleet
from support.logs import log
from support.redis import RedisServer
from support.waiting import wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

RECORDS = 40


def test_any_api_tells_of_the_whole_fleet(
    fleet: Fleet, redis_server: RedisServer, prefix: str
) -> None:
    sandbox = fleet.with_sandbox("slack")
    fleet.configure(
        traces={"enabled": False},
        routing={"high": ["slack"], "medium": ["slack"], "low": ["slack"]},
        redis={"url": redis_server.url, "prefix": prefix},
        delivery={"circuitFailures": 2},
    )
    fleet.create_topics()
    sandbox.set_fault("slack", "server_error")
    api = fleet.worker("b", "api")
    worker = fleet.worker("a", "pipeline", "slack", "view")
    worker.wait_ready()
    fleet.feed([log("fault of the disk")] * RECORDS)

    def health() -> dict[str, Any]:
        status, found = api.get("/api/v1/health")
        assert status == 200, found
        return dict(found)

    def states() -> dict[str, str]:
        return {one["role"]: one["state"] for one in health()["roles"]}

    def balanced() -> bool:
        found = health()["balance"]
        return bool(found and found["records"] == RECORDS and found["addsUp"])

    wait_for(balanced, lambda: f"the balance of all workers: {health()}")
    up = dict.fromkeys(["pipeline", "view", "slack"], "up")
    wait_for(lambda: states() == up, lambda: f"all roles to be up: {states()}")
    assert health()["lag"] == {"records": 0, "seconds": 0.0}
    assert health()["lastRecordAt"] is not None
    status, totals = api.get("/api/v1/totals")
    assert (status, totals["records"]) == (200, RECORDS)

    def undelivered() -> Any:
        found = health()
        (slack,) = [one for one in found["platforms"] if one["name"] == "slack"]
        return slack["circuit"] == "open" and slack["undelivered"] == 1 and found

    found = wait_for(undelivered, lambda: f"a page that fails: {health()}")
    assert found["platforms"][0]["reason"] == "server_error"
    assert found["undelivered"][0]["platforms"][0]["reason"] == "failing"
    sandbox.set_fault("slack", "none")

    def delivered() -> bool:
        found = health()
        return found["platforms"][0]["circuit"] == "closed" and not found["undelivered"]

    wait_for(delivered, lambda: f"the page to get through: {health()}")

    worker.stop("slack")
    wait_for(lambda: states()["slack"] == "down", "the role that was stopped")
    worker.kill("pipeline")
    fleet.feed([log("fault of the disk")] * 3)
    wait_for(lambda: states()["pipeline"] == "down", "the role that died")
    found = wait_for(lambda: (one := health())["lag"]["records"] == 3 and one, "what waits")
    assert "pipeline: no worker runs it" in found["problems"]
    assert found["lag"]["seconds"] > 0
    worker.start("pipeline")
    wait_for(lambda: states()["pipeline"] == "up", "the role to be back")
