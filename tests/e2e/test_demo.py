"""The demo, as a user runs it: a process of its own, on the embedded broker."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from itertools import islice
from pathlib import Path

import pytest
from support.waiting import wait_for

from ticketing.demo.traffic import Traffic

RECORDS = 3000
DEADLINE_SECONDS = 240


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    lines = list(islice(Traffic(seed=3).logs(1_700_000_000.0, 50.0), RECORDS))
    path.write_bytes(b"\n".join([*lines, b"not json", b'{"anomaly_score": 7}']) + b"\n")
    return path


def anomalies_in(path: Path) -> int:
    lines = path.read_bytes().splitlines()[:RECORDS]
    return sum(json.loads(line)["anomaly_score"] >= 0.85 for line in lines)


def test_a_recording_is_counted_to_the_last_record_and_delivered(recording: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ticketing", "demo", "--input", str(recording), "--json"],
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    result = json.loads(done.stdout)
    assert result["records"] == RECORDS + 2
    assert result["anomalies"] == result["counted"] == anomalies_in(recording)
    assert result["deadLetters"] == 2
    assert result["incidents"] > 0
    assert result["tickets"]
    assert all(0 < count <= result["incidents"] for count in result["tickets"].values())


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def deaf() -> None:
    """As a shell without job control starts what it puts into the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("stopped_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_live_demo_shows_incidents_and_leaves_nothing_behind(
    tmp_path: Path, stopped_by: signal.Signals
) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "ticketing", "demo", "--port", "0"],
            stderr=output,
            stdout=output,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            preexec_fn=deaf,
        )
    try:
        found = wait_for(
            lambda: re.search(r"live: +(http\S+)", said.read_text()),
            "the address",
            DEADLINE_SECONDS,
        )
        assert found is not None
        page = found.group(1)
        wait_for(lambda: re.search(r"broker: +127\.0\.0\.1:\d+", said.read_text()), "the broker")

        def incidents() -> list[dict[str, object]]:
            with urllib.request.urlopen(f"{page}api/incidents", timeout=10) as answer:
                return json.load(answer)

        wait_for(
            lambda: any(one["ticketed"] for one in incidents()),
            "an incident with tickets",
            DEADLINE_SECONDS,
        )
        children = children_of(demo.pid)
        assert children
    finally:
        demo.send_signal(stopped_by)
        demo.wait(60)
    wait_for(lambda: not any(map(is_alive, children)), "the children's end", 60)
    if stopped_by is not signal.SIGKILL:
        assert not list(tmp_path.glob("ticketing-*"))
