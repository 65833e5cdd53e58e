"""The supervisor: a child process per role, restarted when it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ticketing import metrics

log = logging.getLogger(__name__)

# A short pause after a first failure; doubled up to half a minute, so that a child that fails at
# once costs little and still returns soon after the cause is gone.
RESTART_SECONDS_MIN = 1.0
RESTART_SECONDS_MAX = 30.0
HEALTHY_SECONDS = 60.0
"""A child that lived this long restarts after the shortest pause."""
STOP_SECONDS_MAX = 15.0
"""Time to finish a batch, commit and leave the group; half of Kubernetes's default grace period."""
POLL_SECONDS = 0.1
"""Between looks at the children; a signal is answered within the same time."""


@dataclass
class Child:
    """The process of a role, running or about to start."""

    role: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause_seconds: float = RESTART_SECONDS_MIN
    restarts: int = 0

    def start(self, now: float) -> None:
        """Start the process, in a session of its own: Ctrl-C must reach the supervisor only."""
        with contextlib.ExitStack() as stack:
            output = None if self.log is None else stack.enter_context(self.log.open("ab"))
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started_at = now

    def watch(self, now: float) -> None:
        """Note the end of the process and restart it after a doubling pause."""
        if self.process is None:
            if now >= self.start_at:
                self.start(now)
            return
        code = self.process.poll()
        if code is None:
            return
        if now - self.started_at > HEALTHY_SECONDS:
            self.pause_seconds = RESTART_SECONDS_MIN
        log.warning("%s ended with %s, restarting in %.0f s", self.role, code, self.pause_seconds)
        # The gauges of a dead process would show it ready for ever.
        metrics.forget(self.process.pid, self.environ.get(metrics.MULTIPROCESS_VARIABLE))
        self.process = None
        self.restarts += 1
        self.start_at = now + self.pause_seconds
        self.pause_seconds = min(self.pause_seconds * 2, RESTART_SECONDS_MAX)


@dataclass
class Supervisor:
    """Keeps children running until asked to stop. Use `run`, or `start`, `watch` and `stop`."""

    roles: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    log: Path | None = None
    """A file for the children's output; None for the supervisor's own stderr."""
    clock: Callable[[], float] = time.monotonic
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False

    def start(self) -> None:
        """Start a child per role."""
        for role in self.roles:
            environ = {
                **self.environ,
                "TICKETING_ROLE": role,
                "TICKETING_ROLES": ",".join(self.roles),
                "TICKETING_PARENT": str(os.getpid()),
            }
            command = [sys.executable, "-m", "ticketing", "worker", role]
            child = Child(role, command, environ, self.log)
            child.start(self.clock())
            self.children.append(child)

    def watch(self) -> None:
        """Check all children once; to be called a few times a second."""
        if not self._stopping:
            for child in self.children:
                child.watch(self.clock())

    def stop(self) -> None:
        """Terminate all children, and kill those that do not end in time."""
        self._stopping = True
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = self.clock() + STOP_SECONDS_MAX
        for process in running:
            try:
                process.wait(max(0.0, deadline - self.clock()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self) -> None:
        """Start, watch until SIGINT or SIGTERM, stop."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(self, "_stopping", True))
        self.start()
        try:
            while not self._stopping:
                self.watch()
                time.sleep(POLL_SECONDS)
        finally:
            self.stop()
