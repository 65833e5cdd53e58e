"""The platform sandbox as a process of its own, so that it outlives nothing and blocks nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from support.requirements import free_port
from support.waiting import wait_for

STOP_SECONDS_MAX = 15.0


class SandboxProcess:
    """`ticketing sandbox` on loopback; `url` is its address."""

    def __init__(self, log: Path, *, record: Path | None = None, port: int | None = None) -> None:
        self._port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = log
        self._record = record
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without tickets; returns when it answers."""
        command = [sys.executable, "-m", "ticketing", "sandbox", "--port", str(self._port)]
        if self._record is not None:
            command += ["--record", str(self._record)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=dict(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def answers() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            try:
                self.summary()
            except OSError:
                return False
            return True

        wait_for(answers, "the sandbox")

    def stop(self) -> None:
        """End it; its tickets are gone."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def summary(self) -> dict[str, Any]:
        """Counts of tickets by platform and state, requests by platform, faults."""
        return self._call("GET", "/_sandbox/summary")  # type: ignore[no-any-return]

    def requests(self, platform: str) -> int:
        """How many requests a platform has got."""
        return int(self.summary()["requests"][platform])

    def tickets(self, platform: str = "", correlation: str = "") -> list[dict[str, Any]]:
        """Tickets as the sandbox shows them, oldest first; `correlation` is an incident's id."""
        query = urllib.parse.urlencode({"platform": platform, "correlation": correlation})
        return self._call("GET", f"/_sandbox/tickets?{query}")  # type: ignore[no-any-return]

    def set_fault(self, platform: str, mode: str, **fields: Any) -> None:
        """Replace a platform's fault; `mode="none"` ends it."""
        self._call("PUT", f"/_sandbox/faults/{platform}", {"mode": mode, **fields})

    def set_behaviours(self, platform: str, **switches: Any) -> None:
        """Switch a platform's behaviours."""
        self._call("PUT", f"/_sandbox/behaviours/{platform}", switches)

    def act(self, platform: str, ticket_id: str, action: str) -> None:
        """What a person does on the platform: acknowledge, close, reopen or delete."""
        name = urllib.parse.quote(ticket_id, safe="")
        self._call("POST", f"/_sandbox/tickets/{platform}/{name}", {"action": action})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None
