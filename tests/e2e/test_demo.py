"""The demo, as a user runs it: a process of its own, on the embedded broker."""

import contextlib
import json
import os
import re
import signal
import socket
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


def test_a_demo_beside_another_program_takes_free_ports(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        for port in (8080, 6066):
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Who else holds it serves the test as well.
            with contextlib.suppress(OSError):
                held.bind(("127.0.0.1", port))
                held.listen()
        said = tmp_path / "said"
        with said.open("wb") as output:
            demo = subprocess.Popen(
                [sys.executable, "-m", "ticketing", "demo"],
                stderr=output,
                stdout=output,
                env={**os.environ, "TMPDIR": str(tmp_path)},
            )
        try:
            addresses = wait_for(
                lambda: (
                    re.findall(r"(?:live|view): +http://127\.0\.0\.1:(\d+)", said.read_text())
                    if "Ctrl-C" in said.read_text()
                    else None
                ),
                said.read_text,
                DEADLINE_SECONDS,
            )
            assert len(addresses) == 2
            assert not {"8080", "6066"} & set(addresses)
            for port, path in zip(addresses, ("api/incidents", "table/"), strict=True):
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/{path}", timeout=10
                ) as answer:
                    assert answer.status == 200
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(60)


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "ticketing", "demo", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )
    assert done.returncode == 1
    assert f"--port {port}: another program listens there" in done.stderr
