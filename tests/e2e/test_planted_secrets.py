"""Made-up secrets in log lines and settings, searched for in every output of a full run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.fleet import INPUT, Fleet, Worker
from support.llm import LlmServer, answers
from support.planted import LINE, leaked
from support.waiting import wait_for

from ticketing.sandbox.credentials import sandbox_config

pytestmark = pytest.mark.kafka

PLATFORMS = ("slack", "jira", "zammad")
ROLES = ("pipeline", "view", "summaries", *PLATFORMS)
LLM_KEY = "planted-llm-key-0123456789"


def line(number: int) -> bytes:
    document = {
        "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tenant_id": "acme",
        "service": "checkout",
        "environment": "prod",
        "level": "ERROR",
        "message": LINE,
        "endpoint": f"/login?note={LINE}",
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "anomaly_score": 0.99,
    }
    return json.dumps(document).encode()


def run(fleet: Fleet, server: LlmServer, record: Path, scrub: dict[str, Any], said: str) -> Worker:
    """One incident from its log lines to its end, with a comment of a person."""
    fleet.with_sandbox(*PLATFORMS, record=record)
    llm = {"provider": "openai", "model": "gpt-4", "apiKey": LLM_KEY}
    fleet.configure(
        privacy={"scrub": scrub},
        llm={**llm, "endpoint": server.llm.endpoint},
        routing={"critical": [*PLATFORMS]},
    )
    fleet.create_topics()
    worker = fleet.worker("a", *ROLES)
    worker.wait_ready()
    fleet.feed([line(number) for number in range(1, 6)])
    fleet.wait_tickets(lambda found: len(found) == len(PLATFORMS), "the tickets")
    wait_for(lambda: len(server.llm.prompts) > 0, "the question")
    incident = worker.only_incident()
    path = f"/api/incidents/{incident['id']}"
    status, told = worker.post(f"{path}/comment", {"text": said, "by": "ada"})
    assert status == 200, told
    status, told = worker.post(f"{path}/resolve", {"note": "rolled back", "by": "ada"})
    assert status == 200, told
    fleet.wait_tickets(lambda found: all(one["state"] == "resolved" for one in found), "the end")
    return worker


def outputs(fleet: Fleet, worker: Worker) -> dict[str, str]:
    """Everything that the job has written or answered, by its place."""
    found = {f"log of {role}": worker.log(role) for role in worker.roles}
    for topic in fleet.kafka.topics():
        if topic != INPUT:
            records = fleet.kafka.read(topic)
            parts = [part for one in records for part in (one.key(), one.value()) if part]
            found[f"topic {topic}"] = b"\n".join(parts).decode("utf-8", "replace")
    incident = worker.only_incident()
    for path in (
        "/api/incidents",
        f"/api/incidents/{incident['id']}",
        "/api/v1/alerts",
        "/api/v1/config",
        "/metrics",
    ):
        status, body = worker.get(path)
        assert status == 200, (path, body)
        found[path] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    for file in worker.data.rglob("*"):
        if file.is_file():
            found[f"file {file.name}"] = file.read_bytes().decode("utf-8", "replace")
    return found


def secrets_of_settings() -> list[str]:
    """The credentials in the configuration of this run."""
    known = sandbox_config("http://127.0.0.1:9")
    jira, slack, zammad = known["jira"], known["slack"], known["zammad"]
    return [LLM_KEY, jira["apiToken"], slack["botToken"], zammad["token"]]


def test_by_default_no_secret_reaches_a_platform_a_model_a_log_or_a_metric(
    fleet: Fleet, tmp_path: Path
) -> None:
    record = tmp_path / "requests.jsonl"
    with LlmServer(answers()) as server:
        worker = run(fleet, server, record, {}, f"I have tried {LINE}")
        shown = outputs(fleet, worker)
        sent = {"tickets": record.read_text(), "prompts": "\n".join(server.llm.prompts)}
    assert "[email]" in sent["tickets"]
    assert "[email]" in sent["prompts"]
    public = {place: shown[place] for place in shown if place.startswith(("log of", "/metrics"))}
    assert {place: leaked(text) for place, text in (sent | public).items() if leaked(text)} == {}
    held = {place for place, text in shown.items() for one in secrets_of_settings() if one in text}
    assert held == set()


def test_with_storage_and_api_no_secret_of_a_log_is_in_any_output(
    fleet: Fleet, tmp_path: Path
) -> None:
    record = tmp_path / "requests.jsonl"
    with LlmServer(answers()) as server:
        worker = run(fleet, server, record, {"storage": True, "api": True}, "I look")
        shown = outputs(fleet, worker)
        shown |= {"tickets": record.read_text(), "prompts": "\n".join(server.llm.prompts)}
    assert "[email]" in shown["topic ticketing-incidents"]
    assert {place: leaked(text) for place, text in shown.items() if leaked(text)} == {}
