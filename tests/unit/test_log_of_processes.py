"""Processes without their broker: every line is JSON, and they are few."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import wait_for

BROKER = """
import sys
from ticketing.kafka.embedded import EmbeddedBroker
broker = EmbeddedBroker()
print(broker.address, flush=True)
sys.stdin.read()
"""
TRIES = 20
"""At two tries a second and connection, a few seconds without the broker."""
LINES_MAX = 60
"""Those of a start and a stop, and one or two of each complaint; there were fifty a second."""


class Broker:
    """An embedded broker in a process of its own, to be ended."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BROKER],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    config = {
        "kafka": {"brokers": "embedded"},
        "dataDir": str(tmp_path / "data"),
        "log": {"format": "json"},
        "metrics": {"port": 0},
        "web": {"port": 0},
        "faustWeb": {"enabled": False},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TICKETING_")},
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TICKETING_CONFIG": str(tmp_path / "config.json"),
    }


@pytest.fixture
def broker(environ: dict[str, str]) -> Iterator[Broker]:
    broker = Broker(environ)
    yield broker
    broker.end()


@pytest.mark.parametrize("role", ["pipeline", "view"])
def test_every_line_of_a_process_without_its_broker_is_json(
    role: str, broker: Broker, environ: dict[str, str], tmp_path: Path
) -> None:
    said = tmp_path / "said.log"
    tries = tmp_path / "tries"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, "worker", role],
            env={**environ, "TICKETING_EMBEDDED_BROKERS": broker.address, "TRIES": str(tries)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: "Worker ready" in said.read_text(), lambda: f"{role}: {said.read_text()}")
        broker.end()
        wait_for(
            lambda: tries.exists() and tries.stat().st_size >= TRIES,
            lambda: f"tries to connect: {said.read_text()[-3000:]}",
        )
    finally:
        process.kill()
        process.wait()
    lines = said.read_text().splitlines()
    for line in lines:
        assert isinstance(json.loads(line), dict), line
    assert len(lines) <= LINES_MAX, "\n".join(lines)
    assert any("Unable connect to node" in line for line in lines)


def test_a_start_that_is_refused_is_told_as_json(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, "worker", "pipeline"],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert "topic a has 2 partitions" in said[-1]["event"]


REFUSED = """
from ticketing import roles, worker
from ticketing.errors import TopicsRefused
def refused(*_):
    raise TopicsRefused(["topic a has 2 partitions", "topic b has 3 partitions"])
worker.verified_topics = refused
from ticketing.cli import main
main()
"""

COUNTING = """
import os, pathlib
from aiokafka.conn import AIOKafkaConnection
connect = AIOKafkaConnection.connect
async def counted(self):
    with open(os.environ["TRIES"], "ab") as tries:
        tries.write(b".")
    return await connect(self)
AIOKafkaConnection.connect = counted
from ticketing.cli import main
main()
"""
"""The command line, with a byte written at each try to connect."""
