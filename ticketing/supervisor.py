"""The supervisor: a child process per role, restarted when it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ticketing import connection_tests, metrics, restarts
from ticketing.config import PLATFORMS, Config
from ticketing.config.handover import HANDOVER_VARIABLE, document_for, inherited, opened
from ticketing.restarts import CrashLoop, Departure
from ticketing.roles import API, VIEW, asks_models, secrets_for
from ticketing.wire.topics import PREFIX, PREFIX_VARIABLE

log = logging.getLogger(__name__)

# The pause after a start that never got ready: doubled up to half a minute, so that a child that
# fails at once costs little and still returns soon after the cause is gone.
RESTART_SECONDS_MIN = 1.0
RESTART_SECONDS_MAX = 30.0
BETWEEN_STARTS_SECONDS_MIN = 5.0
"""A child that was ready starts again at once, if its last start is this far back: a start costs
one to two seconds of a core."""
HEALTHY_SECONDS = 60.0
"""A child that was ready for this long is out of its crash loop."""
LOOP_ENDS = 3
"""Fewer are a deploy, a rebalance or a broker that restarts."""
LOOP_SECONDS = 300.0
"""A few ends are within this time even with the longest pause between them."""
STOP_SECONDS_MAX = 15.0
"""Time to finish a batch, commit and leave the group; half of Kubernetes's default grace period."""
SILENT_SECONDS_MAX = 60.0
"""A child without a beat for this long is ended: as long as its own watchdog waits for a batch."""
BEATS_READ_BYTES = 4096
"""More than the beats of hours, during which a supervisor may itself have slept."""
POLL_SECONDS = 0.1
"""Between looks at the children; a signal is answered within the same time."""


@dataclass
class Child:
    """The process of a role, running or about to start."""

    role: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path | None = None
    document: bytes | None = None
    """The configuration that the child reads; None for one that loads it itself."""
    tests: connection_tests.Desk | None = None
    """Tests connections for the child; None for one that needs none, or has the secrets itself."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    ready_at: float | None = None
    pause_seconds: float = RESTART_SECONDS_MIN
    restarts: int = 0
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    """The times of its ends that may still make a crash loop."""
    departure: Departure | None = None
    """The last one."""
    beats: int | None = None
    """The end of the pipe from which the child's beats are read."""
    beat_at: float | None = None
    """The time of the child's last beat; None before the first, as imports take their time."""

    @property
    def status(self) -> Path | None:
        """The beginning of the path of the child's own files; None without a shared directory."""
        prefix = self.environ.get(restarts.STATUS_VARIABLE)
        return Path(prefix) if prefix else None

    def start(self, now: float) -> None:
        """Start the process, in a session of its own: Ctrl-C must reach the supervisor only."""
        with contextlib.ExitStack() as stack:
            output = None if self.log is None else stack.enter_context(self.log.open("ab"))
            self._close_beats()
            self.beats, written = os.pipe()
            stack.callback(os.close, written)
            os.set_blocking(self.beats, False)
            os.set_blocking(written, False)
            told, passed = {restarts.BEAT_VARIABLE: str(written)}, [written]
            if self.document is not None:
                passed.append(opened(self.document))
                stack.callback(os.close, passed[-1])
                told[HANDOVER_VARIABLE] = str(passed[-1])
            if self.tests is not None:
                passed.append(self.tests.descriptor)
                told[connection_tests.VARIABLE] = str(passed[-1])
            self.process = subprocess.Popen(
                self.command,
                env={**self.environ, **told},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=passed,
            )
        self.started_at = now
        self.ready_at = None
        self.beat_at = None

    def watch(self, now: float) -> None:
        """Note the end of the process and start it again.

        At once if it was ready, as every second until then may be a page's; after a doubling pause
        if it never got ready, and after the longest one for a configuration that can't be used.
        """
        if self.tests is not None:
            self.tests.watch(now)
        if self.process is None:
            if now >= self.start_at:
                self._start_again(now)
            return
        self._note_ready(now)
        self._note_beats(now)
        code = self.process.poll()
        if code is not None:
            self._note_end(self.process.pid, code, now)
        elif self.beat_at is not None and now - self.beat_at > SILENT_SECONDS_MAX:
            self._end_silent(self.process, now)

    def _start_again(self, now: float) -> None:
        """Start the process; where the system has no room for one, later. The others go on."""
        try:
            self.start(now)
        except OSError as error:
            log.error("%s can't be started: %s", self.role, error)
            self._pause(now)

    def _pause(self, now: float) -> None:
        self.start_at = now + self.pause_seconds
        self.pause_seconds = min(self.pause_seconds * 2, RESTART_SECONDS_MAX)

    def crash_loop(self, now: float) -> CrashLoop | None:
        """The crash loop that the child is in, if any."""
        healthy = self.ready_at is not None and now - self.ready_at > HEALTHY_SECONDS
        while self.ends and (healthy or now - self.ends[0] > LOOP_SECONDS):
            self.ends.popleft()
        if not self.ends or self.departure is None:
            return None
        if len(self.ends) < LOOP_ENDS and self.departure.reason != "misconfigured":
            return None
        return CrashLoop(len(self.ends), now - self.ends[0], self.departure)

    def _note_ready(self, now: float) -> None:
        if self.ready_at is not None or self.process is None:
            return
        if self.status is None:
            ready = now - self.started_at > HEALTHY_SECONDS
        else:
            ready = restarts.was_ready(self.status, self.process.pid)
        if ready:
            self.ready_at = now
            self.pause_seconds = RESTART_SECONDS_MIN

    def _note_beats(self, now: float) -> None:
        if self.beats is None:
            return
        with contextlib.suppress(BlockingIOError):
            while os.read(self.beats, BEATS_READ_BYTES):
                self.beat_at = now

    def _end_silent(self, process: subprocess.Popen[bytes], now: float) -> None:
        """Kill a child whose threads do not run; nothing less ends a process in this state."""
        why = f"no thread of it has run for {SILENT_SECONDS_MAX:.0f} s"
        log.error("%s is ended: %s", self.role, why)
        process.kill()
        code = process.wait()
        self._note_end(process.pid, code, now, Departure("hung", why, pid=process.pid))

    def close(self) -> None:
        """Let go of a child that has ended."""
        self._close_beats()
        if self.tests is not None:
            self.tests.close()

    def _close_beats(self) -> None:
        if self.beats is not None:
            os.close(self.beats)
            self.beats = None

    def _note_end(
        self, pid: int, code: int, now: float, departure: Departure | None = None
    ) -> None:
        self.departure = departure or restarts.departure_of(self.status, pid, code)
        if self.departure.reason == "misconfigured":
            self.start_at = now + RESTART_SECONDS_MAX
        elif self.ready_at is not None:
            self.start_at = max(now, self.started_at + BETWEEN_STARTS_SECONDS_MIN)
        else:
            self._pause(now)
        log.warning(
            "%s ended with %s (%s%s), restarting in %.0f s",
            self.role,
            code,
            self.departure.reason,
            f" at {', '.join(self.departure.at)}" if self.departure.at else "",
            self.start_at - now,
        )
        metrics.worker_restarts_total.labels(self.role, self.departure.reason).inc()
        # The gauges of a dead process would show it ready for ever.
        metrics.forget(pid, self.environ.get(metrics.MULTIPROCESS_VARIABLE))
        if self.status is not None:
            restarts.forget(self.status)
        self.process = None
        self.restarts += 1
        self.ends.append(now)


@dataclass
class Supervisor:
    """Keeps children running until asked to stop. Use `run`, or `start`, `watch` and `stop`."""

    roles: Sequence[str]
    environ: Mapping[str, str]
    """Variables for every child, beside those that it inherits."""
    config: Config | None = None
    """The configuration, of which a child gets what its role needs; None where it loads one."""
    given: Config | None = None
    """The configuration without the changes since, where there are any."""
    changed: Mapping[str, Any] | None = None
    """The changes since, as the children apply them."""
    log: Path | None = None
    """A file for the children's output; None for the supervisor's own stderr."""
    clock: Callable[[], float] = time.monotonic
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False
    _told: tuple[list[int], list[str]] | None = None
    """The numbers of restarts and the roles in crash loops, as published last."""

    def start(self) -> None:
        """Start a child per role."""
        for role in self.roles:
            command = [sys.executable, "-m", "ticketing", "worker", role]
            child = Child(role, command, self.environ_of(role), self.log)
            if self.config is not None:
                kept = secrets_for(role, self.config)
                child.document = document_for(self.given or self.config, kept, self.changed)
                if role in (API, VIEW):
                    child.tests = connection_tests.Desk(self._prepared)
            child.start(self.clock())
            self.children.append(child)
        self._publish()

    def _prepared(self, platform: str) -> tuple[bytes, dict[str, str]] | None:
        """A platform's own configuration and environment, for a test of its connection."""
        if self.config is None or platform not in PLATFORMS:
            return None
        environ = inherited(os.environ, models=False)
        environ.pop(metrics.MULTIPROCESS_VARIABLE, None)
        environ |= {PREFIX_VARIABLE: PREFIX} if PREFIX else {}
        kept = secrets_for(platform, self.config)
        return document_for(self.given or self.config, kept, self.changed), environ

    def environ_of(self, role: str) -> dict[str, str]:
        """The environment of a role's process."""
        directory = self._directory()
        given: dict[str, str] = {}
        if self.config is not None:
            given = inherited(os.environ, models=asks_models(role, self.config))
            given |= {PREFIX_VARIABLE: PREFIX} if PREFIX else {}
        return {
            **given,
            **self.environ,
            "TICKETING_ROLE": role,
            "TICKETING_ROLES": ",".join(self.roles),
            "TICKETING_PARENT": str(os.getpid()),
            **({restarts.STATUS_VARIABLE: str(directory / role)} if directory else {}),
        }

    def watch(self) -> None:
        """Check all children once; to be called a few times a second."""
        if not self._stopping:
            for child in self.children:
                child.watch(self.clock())
            self._publish()

    def _directory(self) -> Path | None:
        """The directory that the children share, if any."""
        shared = self.environ.get(metrics.MULTIPROCESS_VARIABLE)
        return Path(shared) if shared else None

    def _publish(self) -> None:
        """Tell ends and crash loops as metrics and for `/ready`, whenever they have changed."""
        now = self.clock()
        loops = {child.role: loop for child in self.children if (loop := child.crash_loop(now))}
        told = ([child.restarts for child in self.children], sorted(loops))
        if told == self._told:
            return
        self._told = told
        for child in self.children:
            metrics.worker_crash_looping.labels(child.role).set(1 if child.role in loops else 0)
        for role, loop in loops.items():
            log.error("a crash loop: %s", loop.told(role))
        directory = self._directory()
        if directory is not None and directory.is_dir():
            restarts.write_loops(directory, loops)
            metrics.share(
                str(directory), metrics.worker_restarts_total, metrics.worker_crash_looping
            )

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
        for child in self.children:
            child.close()

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
