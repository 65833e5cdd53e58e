"""Summaries, whole: workers on a real broker, a model over HTTP, tickets in the sandbox."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.fleet import Fleet, Worker
from support.llm import ANSWER, LlmServer, answers, hangs
from support.waiting import wait_for

pytestmark = pytest.mark.kafka

PARTITIONS = 12
SERVICES = 36
ROLES = ("pipeline", "view", "zammad", "summaries")
SECRET = "hunter2-of-checkout"


def line(service: str, score: float = 0.99) -> bytes:
    document = {
        "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tenant_id": "acme",
        "service": service,
        "level": "ERROR",
        "message": f"{service} can't log in to its database with password={SECRET}",
        "anomaly_score": score,
    }
    return json.dumps(document).encode()


def started(fleet: Fleet, server: LlmServer, record: Path, **llm: Any) -> Worker:
    fleet.with_sandbox("zammad", record=record)
    provider = {"provider": "openai", "model": "gpt-4", "apiKey": "k"}
    # No test waits for its minute.
    provider |= {"budget": {"callsPerMinute": 1_000}}
    fleet.configure(
        kafka={"partitions": PARTITIONS},
        groupWait="1s",
        traces={"enabled": False},
        llm={**provider, "endpoint": server.llm.endpoint, "timeout": "10m", **llm},
    )
    fleet.create_topics()
    worker = fleet.worker("a", *ROLES)
    worker.wait_ready()
    return worker


def bodies(record: Path) -> str:
    """Everything that the platform was sent."""
    lines = record.read_text().splitlines() if record.exists() else []
    return "\n".join(json.dumps(json.loads(one)["body"]) for one in lines)


def test_a_summary_reaches_the_ticket_as_an_update_and_is_marked(
    fleet: Fleet, tmp_path: Path
) -> None:
    record = tmp_path / "requests.jsonl"
    with LlmServer(hangs) as server:
        worker = started(fleet, server, record)
        status, tested = worker.get("/api/v1/llm-status")
        assert (status, tested["provider"], tested["calls"]) == (200, "openai", 0)
        fleet.feed([line("checkout")])
        # The model thinks; the ticket goes out in time, in the words of the rules.
        fleet.wait_tickets(lambda found: len(found) == 1, "the ticket")
        wait_for(lambda: len(server.llm.requests) == 1, "the question")
        assert "checkout logged" in bodies(record)
        assert ANSWER["summary"] not in bodies(record)
        server.release()
        wait_for(lambda: ANSWER["summary"] in bodies(record), "the better words")
        assert "AI, openai/gpt-4" in bodies(record)
        assert SECRET not in server.llm.prompts[0]
        assert "checkout" in server.llm.prompts[0]
        listed = worker.only_incident()
        _, incident = worker.get(f"/api/incidents/{listed['id']}")
        assert incident["summary"]["title"] == ANSWER["title"]
        assert incident["summary"]["generated"] is True
        assert incident["severity"] == "critical"
        assert len(fleet.sandbox.tickets()) == 1  # type: ignore[union-attr]

        def counted() -> bool:
            found = worker.get("/api/v1/llm-status")[1]
            return (found["calls"], found["failures"], found["circuit"]) == (1, 0, "closed")

        wait_for(counted, "the status")
        assert worker.get("/api/v1/llm-status")[1]["cost"] > 0
        server.llm.behaviour = answers("pong")
        status, tested = worker.post("/api/v1/test-llm")
        assert (status, tested["status"]) == (200, "ok"), tested


def test_how_a_past_incident_ended_is_told_after_a_restart_too(
    fleet: Fleet, tmp_path: Path
) -> None:
    with LlmServer() as server:
        worker = started(fleet, server, tmp_path / "requests.jsonl")
        fleet.feed([line("checkout")])
        fleet.wait_tickets(lambda found: len(found) == 1, "the ticket")
        first = worker.only_incident()
        note = {"note": "the database was restarted"}
        status, _ = worker.post(f"/api/incidents/{first['id']}/resolve", note)
        assert status == 200
        wait_for(lambda: len(server.llm.requests) == 1, "the first question")
        worker.restart("summaries")
        names = (f"shop-{number}" for number in range(1_000))

        def told() -> bool:
            # The past is read beside the stream: the first questions may come before it.
            fleet.feed([line(next(names))])
            number = len(server.llm.requests)
            wait_for(lambda: len(server.llm.requests) > number, "another question")
            return "the database was restarted" in server.llm.prompts[-1]

        wait_for(told, "a question that tells of the past")


def test_a_model_that_hangs_holds_up_nothing_on_twelve_partitions(
    fleet: Fleet, tmp_path: Path
) -> None:
    record = tmp_path / "requests.jsonl"
    with LlmServer(hangs) as server:
        worker = started(fleet, server, record, concurrency=2)
        fed = fleet.feed([line(f"service-{number}") for number in range(SERVICES)])
        # Every ticket goes out while no question has been answered, on all partitions.
        fleet.wait_tickets(lambda found: len(found) == SERVICES, "all tickets")
        assert fleet.wait_counted(fed)
        partitions = {id.split("-")[1] for id in fleet.incidents()}
        assert len(partitions) > PARTITIONS / 2
        wait_for(lambda: len(server.llm.requests) == 2, "as many questions as are allowed at once")
        # The summaries' own stream has read to the end, though its questions hang.
        wait_for(
            lambda: fleet.lag("ticketing-summaries", "ticketing-incidents") == 0,
            "the end of the stream",
        )
        assert worker.is_ready("summaries")
        assert len(server.llm.requests) == 2
        # More of it still is handled as if nothing hung.
        fed += fleet.feed([line(f"service-{number}") for number in range(SERVICES)])
        fleet.wait_counted(fed)
        server.release()

        def all_told() -> bool:
            return all(one.summary is not None for one in fleet.incidents().values())

        wait_for(all_told, "all summaries")
        assert server.llm.most_under_way == 2
        assert len(server.llm.requests) == SERVICES
        worker.stop("summaries")
        assert worker.roles["summaries"].exits == [0], worker.tail("summaries")
