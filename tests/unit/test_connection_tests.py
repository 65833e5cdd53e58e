"""A connection is tested by a process that has the platform's secrets; the asker has none."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.planted_settings import MARK, planted

from ticketing import connection_tests
from ticketing.api.checks import ConnectionChecks
from ticketing.config import Config
from ticketing.config.handover import document_for
from ticketing.connection_tests import VARIABLE, Asker, Desk, asker
from ticketing.roles import secrets_for
from ticketing.supervisor import Supervisor

CONFIG = Config.model_validate(planted())
DEADLINE_SECONDS = 60


def prepared(config: Config) -> connection_tests.Prepared:
    return Supervisor([], {}, config)._prepared


def asking(desk: Desk) -> Asker:
    found = asker({VARIABLE: str(os.dup(desk.descriptor))})
    assert found is not None
    return found


async def ask(desk: Desk, who: Asker, platform: str) -> tuple[bool, str]:
    asked = asyncio.ensure_future(who.test(platform))
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not asked.done() and time.monotonic() < deadline:
        desk.watch(time.monotonic())
        await asyncio.sleep(0.02)
    return await asked


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk(prepared(Config()))
    yield one
    one.close()


async def test_the_command_answers_for_the_process_without_secrets(desk: Desk) -> None:
    checks = ConnectionChecks(Config(), asking(desk))
    asked = asyncio.ensure_future(checks.test_connection("jira"))
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not asked.done() and time.monotonic() < deadline:
        desk.watch(time.monotonic())
        await asyncio.sleep(0.02)
    assert await asked == {
        "status": "error",
        "platform": "jira",
        "message": "jira is not enabled: set jira.enabled",
    }
    await checks.close()


def say(text: str, code: int = 0) -> list[str]:
    return ["-c", f"import sys; print({text!r}); sys.exit({code})"]


@pytest.mark.parametrize(
    ("line", "code", "found"),
    [
        ("slack: ok: connected: to a, b", 0, (True, "connected: to a, b")),
        ("slack: error: slack.botToken: HTTP 401", 1, (False, "slack.botToken: HTTP 401")),
        ("", 3, (False, "the test ended with status 3")),
    ],
)
async def test_the_line_of_the_command_is_the_answer(
    desk: Desk,
    line: str,
    code: int,
    found: tuple[bool, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{line}'\nexit {code}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    who = asking(desk)
    assert await ask(desk, who, "slack") == found
    who.close()


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"{", b'{"id": "x"}', b'{"id": 7, "platform": null}', b"[" * 20_000],
)
async def test_a_question_that_is_none_ends_no_supervisor(desk: Desk, raw: bytes) -> None:
    who = asking(desk)
    with socket.socket(fileno=os.dup(desk.descriptor)) as theirs:
        theirs.send(raw)
    assert await ask(desk, who, "fax") == (False, "fax is not a platform")
    who.close()


async def test_a_test_without_an_end_is_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(connection_tests, "TEST_SECONDS_MAX", 0.2)
    who = asking(desk)
    ok, message = await ask(desk, who, "slack")
    assert not ok
    assert message in ("no answer within 0.2 s", "the supervisor does not answer")
    who.close()


async def test_nothing_else_is_started(desk: Desk) -> None:
    who = asking(desk)
    assert await ask(desk, who, "jira --all") == (False, "jira --all is not a platform")
    who.close()


async def test_an_answer_to_an_earlier_question_is_passed_over() -> None:
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    own.setblocking(False)
    who = Asker(own)
    asked = asyncio.ensure_future(who.test("jira"))
    await asyncio.sleep(0)
    id = json.loads(await asyncio.to_thread(other.recv, 4096))["id"]
    for one, ok in (("earlier", False), (id, True)):
        other.send(json.dumps({"id": one, "ok": ok, "message": one}).encode())
    assert await asked == (True, id)
    who.close()
    other.close()


def test_no_supervisor_no_asker() -> None:
    assert asker({}) is None


@pytest.mark.parametrize("role", ["view", "api"])
def test_the_apis_processes_hold_no_secret_of_a_platform(role: str) -> None:
    document = json.loads(document_for(CONFIG, secrets_for(role, CONFIG)))["given"]
    held = {name for name in CONFIG.enabled_platforms() if MARK in json.dumps(document[name])}
    assert held <= {"slack"}
    slack = [key for key, value in document["slack"].items() if MARK in json.dumps(value)]
    assert slack == ["signingSecret"]
    assert MARK not in json.dumps(document["heartbeatUrl"])


def test_a_test_has_the_secrets_of_its_platform_alone() -> None:
    found = prepared(CONFIG)("jira")
    assert found is not None
    document = json.loads(found[0])["given"]
    assert MARK in json.dumps(document["jira"])
    assert MARK not in json.dumps([document["slack"], document["llm"], document["pagerduty"]])
    assert MARK not in json.dumps(found[1])
