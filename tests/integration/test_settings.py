"""Settings that are changed while running, in a real Kafka: kept over a restart, without secrets."""

from __future__ import annotations

import pytest
from support.fleet import Fleet
from support.redis import RedisServer

from ticketing.wire.topics import SETTINGS

pytestmark = [pytest.mark.kafka, pytest.mark.redis]


def test_a_change_outlasts_a_restart_and_the_next_one_replaces_it(
    fleet: Fleet, redis_server: RedisServer, prefix: str
) -> None:
    fleet.configure(redis={"url": redis_server.url, "prefix": prefix})
    fleet.create_topics()
    worker = fleet.worker("w", "api")
    worker.wait_ready("api")
    status, answer = worker.patch("/api/v1/config/anomaly", {"minimumScore": 0.91})
    assert (status, answer["revision"], answer["appliesAfter"]) == (200, 1, "restart")
    assert worker.get("/api/v1/config/changes")[1]["inEffect"] is False

    worker.restart("api")
    assert worker.get("/api/v1/config")[1]["anomaly"]["minimumScore"] == 0.91
    assert worker.get("/api/v1/config/changes")[1]["inEffect"] is True

    status, problem = worker.patch("/api/v1/config/llm", {"apiKey": "sk-planted", "model": "m"})
    assert (status, "sk-planted" in str(problem)) == (400, False)
    status, answer = worker.patch("/api/v1/config/anomaly", {"minimumScore": None})
    assert (status, answer["revision"]) == (200, 2)
    assert [one["from"] for one in answer["changed"]] == [0.91]
    values = b"".join(message.value() or b"" for message in fleet.kafka.read(SETTINGS))
    assert b"0.91" in values
    assert b"planted" not in values
