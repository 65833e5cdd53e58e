"""The commands around the job, as a user types them, against a real broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fleet import PARTITIONS, STOP_SECONDS_MAX, Fleet
from support.logs import log
from support.requirements import free_port
from support.waiting import wait_for

from ticketing.domain.events import Action, Command
from ticketing.domain.scope import partition_of_incident
from ticketing.wire.events import encode_events
from ticketing.wire.topics import EVENTS, INCIDENTS, SIGNALS

pytestmark = pytest.mark.kafka


def run(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = fleet.directory / "command.json"
    path.write_text(json.dumps(fleet.config))
    return subprocess.run(
        [sys.executable, "-m", "ticketing", *arguments],
        env={**os.environ, "TICKETING_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_topics_are_made_checked_and_made_again(fleet: Fleet) -> None:
    missing = run(fleet, "topics", "check")
    assert missing.returncode == 1
    assert f"topic {SIGNALS} is missing: run `ticketing topics create`" in missing.stderr
    made = run(fleet, "topics", "create")
    assert made.returncode == 0, made.stderr
    assert f"created {INCIDENTS}" in made.stdout
    wait_for(lambda: run(fleet, "topics", "check").returncode == 0, "topics as they should be")
    assert run(fleet, "topics", "create").stdout == "every topic exists\n"

    fleet.configure(kafka={"partitions": 6})
    wrong = run(fleet, "topics", "check")
    assert wrong.returncode == 1
    assert f"topic {SIGNALS} has 4 partitions, kafka.partitions says 6" in wrong.stderr
    fleet.configure(kafka={"partitions": 4})
    fleet.kafka.delete(INCIDENTS)
    fleet.kafka.create(INCIDENTS, 4, cleanup_policy="delete")
    wrong = run(fleet, "topics", "check")
    assert wrong.returncode == 1
    assert f"topic {INCIDENTS} has cleanup.policy=delete, needs compact" in wrong.stderr


def test_a_recording_is_replayed_and_its_dead_letters_are_listed(fleet: Fleet) -> None:
    fleet.create_topics()
    recording = fleet.directory / "recording.jsonl"
    recording.write_bytes(b"\n".join([log(), b"", b"not JSON", log(), b""]))
    replayed = run(fleet, "replay", str(recording))
    assert replayed.returncode == 0, replayed.stderr
    assert "3 records produced to enriched-logs" in replayed.stdout
    fleet.worker("a", "pipeline")
    fleet.wait_counted(2)
    wait_for(lambda: len(fleet.dead_letters()) == 1, "the dead letter")
    listed = run(fleet, "dead-letters", "list")
    assert listed.returncode == 0, listed.stderr
    assert "undecodable" in listed.stdout
    assert "enriched-logs" in listed.stdout


def get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code


def test_fausts_own_command_runs_the_pipeline_and_shows_its_tables(
    fleet: Fleet, tmp_path: Path
) -> None:
    port, metrics_port = free_port(), free_port()
    fleet.configure(
        faustWeb={"enabled": True, "port": port},
        metrics={"port": metrics_port},
        dataDir=str(tmp_path / "data"),
    )
    fleet.create_topics()
    path = fleet.directory / "command.json"
    path.write_text(json.dumps(fleet.config))
    said = fleet.directory / "faust.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "faust", "-A", "ticketing.worker:app", "worker", "-l", "info"],
            env={**os.environ, "TICKETING_CONFIG": str(path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        fleet.feed([log(f"fault of the {name}") for name in ("disk", "network", "clock")] * 5)
        known = fleet.wait_counted(15)
        ready = f"http://127.0.0.1:{metrics_port}/ready"
        wait_for(lambda: get(ready) == {"status": "ready"}, "the listener of the metrics")
        tables = f"http://127.0.0.1:{port}/table"
        everything = [0, 1, 2, 3]
        listed = get(f"{tables}/")
        assert [table["name"] for table in listed] == ["alerts", "incidents"]
        assert all(table["partitions"] == everything for table in listed)
        assert all(table["rows"] > 0 for table in listed)
        index = get(f"http://127.0.0.1:{port}/")
        assert index["app"] == "ticketing"
        assert [table["name"] for table in index["tables"]] == ["alerts", "incidents"]

        def keys() -> list[str]:
            return [entry["key"] for entry in get(f"{tables}/incidents/")["keys"]]

        wait_for(lambda: set(known) <= set(keys()), "every incident in the table")
        first = next(iter(known.values()))
        shown = get(f"{tables}/incidents/{first.id}/")
        assert first.id in json.dumps(shown["value"])
        assert shown["partition"] == partition_of_incident(first.id, PARTITIONS)
        assert get(f"{tables}/incidents/nothing/") == 404
        assert get(f"{tables}/nothing/") == 404

        pages, address = [], f"{tables}/incidents/?limit=2"
        while address:
            page = get(address)
            pages.append([entry["key"] for entry in page["keys"]])
            address = page["next"] and f"http://127.0.0.1:{port}{page['next']}"
        assert all(0 < len(page) <= 2 for page in pages)
        assert sorted(key for page in pages for key in page) == sorted(keys())
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == 0, said.read_text()[-3000:]


COMMENTS = 44


def test_forty_comments_of_control_characters_leave_a_record_that_can_be_written(
    fleet: Fleet,
) -> None:
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    fleet.feed([log()])
    fleet.wait_counted(1)
    id = worker.only_incident()["id"]

    def comment(text: str) -> int:
        return worker.post(f"/api/incidents/{id}/comment", {"text": text})[0]

    # Few at a time: an incident keeps the outcomes of its latest commands, for those who wait.
    with ThreadPoolExecutor(8) as people:
        assert set(people.map(comment, ["\x01" * 4_000] * COMMENTS)) == {400}
        mixed = [f"{number:02} {'x' * 3_000}{chr(1) * 900}" for number in range(COMMENTS)]
        assert set(people.map(comment, mixed)) == {200}
    # Straight into the topic, as an older release wrote them.
    command = Command(id="", incident_id=id, action=Action.COMMENT, note="\x01é" * 2_000)
    notes = [encode_events([replace(command, id=f"old-{n}")]) for n in range(COMMENTS)]
    fleet.feed(notes, topic=EVENTS, partition=partition_of_incident(id, PARTITIONS))
    assert comment("the last one") == 200

    status, shown = worker.get(f"/api/incidents/{id}")
    assert status == 200
    texts = [step["text"] for step in shown["timeline"]]
    assert texts[-2:] == ["é" * 2_000, "the last one"]
    assert shown["timeline"][0]["kind"] == "opened"
    assert shown["leftOut"]["steps"] > COMMENTS
    written = [*fleet.kafka.read(INCIDENTS), *fleet.kafka.read("ticketing-incidents-changelog")]
    assert max(len(record.value()) for record in written) < 64_000
    assert fleet.dead_letters() == []
    assert not any(process.exits for process in worker.roles.values())
