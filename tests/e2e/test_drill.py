"""The commands that try the real configuration: test-connection and drill, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.waiting import until

from ticketing.config import PLATFORMS, Config, secrets_of
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, start

SECONDS_MAX = 90.0


class Shell:
    """The command line with a configuration that points at a sandbox."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        sections = sandbox_config(sandbox.url)
        self.config: dict[str, Any] = {name: sections[name] for name in PLATFORMS}
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
    sandbox = await start(record=tmp_path / "requests.jsonl")
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


async def test_a_dry_run_shows_the_calls_of_a_drill_and_sends_none(
    shell: Shell, tmp_path: Path
) -> None:
    code, output = await shell.run("drill", "--dry-run", "--json")
    assert code == 0, output
    assert all(shell.sandbox.requests(name) == 0 for name in shell.config)
    for secret in secrets_of(Config.model_validate(shell.config)):
        assert secret not in output
    assert (await shell.run("drill", "--json"))[0] == 0
    recorded = (tmp_path / "requests.jsonl").read_text().splitlines()
    sent, shown = Counter[str](), Counter[str]()
    for call in map(json.loads, recorded):
        sent[_shape(call["platform"], call["method"], call["path"])] += 1
    for call in map(json.loads, output.splitlines()):
        path = urlsplit(call["url"]).path.removeprefix(f"/{call['platform']}")
        shown[_shape(call["platform"], call["method"], path)] += 1
    writes = {shape: number for shape, number in sent.items() if " GET " not in shape}
    assert writes == {shape: number for shape, number in shown.items() if " GET " not in shape}
    assert set(shown) <= set(sent), "what is asked is asked in earnest too"


def _shape(platform: str, method: str, path: str) -> str:
    """A call without the ids in its path."""
    words = [part for part in path.split("/") if part.isalpha() or "." in part]
    return f"{platform} {method} {'/'.join(words)}"


async def test_ctrl_c_in_a_drill_leaves_nothing_open(shell: Shell) -> None:
    shell.config = {"pagerduty": shell.config["pagerduty"]}
    shell.sandbox.set_fault("pagerduty", "latency", seconds=1.0)
    process = await shell.begin("drill", "--json")

    async def ticketed() -> bool:
        return bool(shell.sandbox.tickets())

    await until(ticketed, "the ticket", SECONDS_MAX)
    process.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    assert process.returncode == 1
    assert json.loads(output.splitlines()[-1])["step"] == "resolve"
    (ticket,) = shell.sandbox.tickets()
    assert ticket["state"] == "resolved"
