"""A process with few descriptors, under clients that begin requests and never end them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.requirements import free_port
from support.waiting import wait_for

ROOT = Path(__file__).parents[2]
DESCRIPTORS = 700
HALF_OPEN = 800
"""More than all of the descriptors that the process may have."""
LOG_LINES_MAX = 10

LISTENER = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (64, int(sys.argv[2])))
from ticketing import launch, log
from ticketing.api.listener import Listener
from ticketing.api.services import WorkerStatus
from ticketing.config import Config
launch.prepare()
config = Config.model_validate({"metrics": {"port": int(sys.argv[1])}})
log.configure("info", "json", [])
with Listener(WorkerStatus(config, list)):
    sys.stdin.read()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def errors(port: int, tmp_path: Path) -> Iterator[Path]:
    """The log of a listener, which is a process of its own."""
    path = tmp_path / "log"
    with path.open("wb") as log, contextlib.ExitStack() as stack:
        process = subprocess.Popen(
            [sys.executable, "-c", LISTENER, str(port), str(DESCRIPTORS)],
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stderr=log,
        )
        stack.callback(process.wait, 30)
        stack.callback(process.communicate)
        wait_for(lambda: answers(port), "the listener", 60)
        yield path


def answers(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/health"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_half_open_requests_neither_end_nor_deafen_a_process(port: int, errors: Path) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(HALF_OPEN):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        assert answers(port)
    lines = errors.read_text().splitlines()
    assert len(lines) <= LOG_LINES_MAX
    # A busy machine accepts more at once than it has closed so far: that is said once, and counted.
    assert len([line for line in lines if "Traceback" in line]) <= 1
