"""A whole worker with fake secrets everywhere: which of its processes shows any of them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.planted_settings import MARK, mark_of, planted
from support.requirements import free_port
from support.waiting import wait_for

from ticketing.config.schema import env_name

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
TOKEN = mark_of("web", "token")
OUTSIDE = {"AWS_SECRET_ACCESS_KEY": f"{MARK}-of-another-program"}


def variables(tree: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from variables(value, (*path, key))
        else:
            yield env_name((*path, key)), value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def worker(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of every role, its settings in the environment, on an embedded broker."""
    settings = {
        **planted(),
        "redis": {"url": "embedded"},
        "kafka": {"brokers": "embedded"},
        "faustWeb": {"enabled": False},
        "heartbeatUrl": None,
    }
    settings["web"] = {**settings["web"], "port": port}
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TICKETING_")},
        **dict(variables({key: one for key, one in settings.items() if one is not None})),
        **OUTSIDE,
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ticketing", "worker"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def ask(port: int, path: str, body: bytes | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())
    return b""


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def in_memory(pid: int, secret: str) -> bool:
    """True if the writable memory of a process holds a secret."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            with contextlib.suppress(OSError):
                memory.seek(start)
                if secret.encode() in memory.read(end - start):
                    return True
    return False


@ON_LINUX
def test_no_process_shows_a_secret_in_its_environment_command_files_or_log(
    worker: subprocess.Popen[bytes], port: int, tmp_path: Path
) -> None:
    def ready() -> bool:
        assert worker.poll() is None, (tmp_path / "log").read_text()[-3000:]
        return b'"ready"' in ask(port, "/ready")

    wait_for(ready, lambda: (tmp_path / "log").read_text()[-3000:], 240)
    children = children_of(worker.pid)
    roles = {}
    for child in children:
        environ = Path(f"/proc/{child}/environ").read_bytes()
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        role = re.findall(rb"TICKETING_ROLE=([a-z]+)", environ)[0].decode()
        roles[role] = child
        if role in ("view", "summaries"):
            # Clients of language models read variables of their own.
            environ = environ.replace(OUTSIDE["AWS_SECRET_ACCESS_KEY"].encode(), b"")
        assert MARK.encode() not in environ + command, role
        held = Path(f"/proc/{child}/fd")
        names = [os.readlink(one) for one in held.iterdir() if one.is_symlink()]
        assert not [name for name in names if "handover" in name]
    assert {"pipeline", "view", "traces", "jira", "slack"} <= set(roles)
    tested = json.loads(ask(port, "/api/v1/test-connection", b'{"platform": "jira"}'))
    assert (tested["status"], tested["platform"]) == ("error", "jira")
    assert "unreachable" in tested["message"]
    held_by = {
        (role, platform)
        for role in ("view", "pipeline", "jira", "slack")
        for platform, key in (("jira", "apiToken"), ("slack", "botToken"))
        if in_memory(roles[role], mark_of(platform, key))
    }
    assert held_by == {("jira", "jira"), ("slack", "slack")}
    for path in ("/metrics", "/api/v1/config", "/api/v1/platforms", "/health"):
        answer = ask(port, path)
        assert answer
        assert MARK.encode() not in answer, path
    assert MARK not in (tmp_path / "log").read_text()
    for file in (tmp_path / "tmp").rglob("*"):
        mode = file.lstat().st_mode
        assert not mode & 0o077, file
        if file.is_file() and not file.is_socket():
            assert MARK.encode() not in file.read_bytes(), file
