"""The commands that try the real configuration: test-connection and drill, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, start
from ticketing.worker import platforms_built

SECONDS_MAX = 90.0


class Shell:
    """The command line with a configuration that points at a sandbox."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.config: dict[str, Any] = {
            name: section
            for name, section in sandbox_config(sandbox.url).items()
            if name in platforms_built()
        }
        self._file = directory / "ticketing.json"

    async def begin(self, *arguments: str) -> asyncio.subprocess.Process:
        self._file.write_text(json.dumps(self.config))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TICKETING_")}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ticketing", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**kept, "TICKETING_CONFIG": str(self._file)},
        )

    async def run(self, *arguments: str) -> tuple[int, str]:
        process = await self.begin(*arguments)
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
        assert process.returncode is not None
        assert b"Traceback" not in errors, errors.decode()
        return process.returncode, output.decode()


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    sandbox = await start()
    yield Shell(sandbox, tmp_path)
    await sandbox.stop()


async def test_every_connection_is_tested_without_a_trace_on_the_platform(shell: Shell) -> None:
    code, output = await shell.run("test-connection", "--all")
    assert code == 0, output
    assert [line.partition(":")[0] for line in output.splitlines()] == list(shell.config)
    assert shell.sandbox.tickets() == []


async def test_a_connection_that_can_not_work_says_what_to_fix(shell: Shell) -> None:
    shell.config["slack"]["botToken"] = secret = "xoxb-not-this-one-at-all"
    code, output = await shell.run("test-connection", "slack", "jira")
    assert code == 1
    assert output.splitlines()[0].startswith("slack: error: ")
    assert output.splitlines()[1].startswith("jira: ok: ")
    assert secret not in output


async def test_a_drill_leaves_a_resolved_ticket_on_every_platform(shell: Shell) -> None:
    code, output = await shell.run("drill", "--json")
    assert code == 0, output
    rows = [json.loads(line) for line in output.splitlines()]
    assert sorted({row["platform"] for row in rows}) == sorted(shell.config)
    for name in shell.config:
        steps = [row["step"] for row in rows if row["platform"] == name]
        assert steps == ["create", "acknowledge", "resolve"]
        (ticket,) = shell.sandbox.tickets(name)
        assert "DRILL" in ticket["title"]
        assert ticket["state"] in ("resolved", "closed")


async def test_ctrl_c_in_a_drill_leaves_nothing_open(shell: Shell) -> None:
    shell.config = {"pagerduty": shell.config["pagerduty"]}
    shell.sandbox.set_fault("pagerduty", "latency", seconds=1.0)
    process = await shell.begin("drill", "--json")
    deadline = asyncio.get_running_loop().time() + SECONDS_MAX
    while not shell.sandbox.tickets():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    assert process.returncode == 1
    assert json.loads(output.splitlines()[-1])["step"] == "resolve"
    (ticket,) = shell.sandbox.tickets()
    assert ticket["state"] == "resolved"
