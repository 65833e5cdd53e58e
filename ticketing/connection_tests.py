"""Tests of connections by a short-lived process, which alone has the platform's secrets.

The process that serves the API asks its supervisor through a pair of sockets. A question and an
answer are a datagram of JSON each; whoever asked is long gone where no answer comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ticketing.config.handover import HANDOVER_VARIABLE, opened
from ticketing.wire.packed import UNREADABLE

VARIABLE = "TICKETING_CONNECTION_TESTS"
"""The descriptor of the socket of the process that asks."""
TESTS_MAX = 4
"""Processes at once: each takes a second of a core to start."""
TEST_SECONDS_MAX = 90.0
"""Above the timeouts of any platform's settings, with the start of the process."""
ANSWER_CHARS_MAX = 4_000
"""Of a message, so that an answer fits into a datagram, and output into the pipe."""
DATAGRAM_BYTES_MAX = 32 * 1024
"""An answer with every character escaped in six, twice over for a pair."""

Prepared = Callable[[str], "tuple[bytes, dict[str, str]] | None"]
"""The configuration with the secrets of a platform, and the environment; None for no platform."""


class _Question(msgspec.Struct):
    """A datagram of the process that asks."""

    id: str
    platform: str


_question = msgspec.json.Decoder(_Question)


@dataclass
class _Test:
    id: str
    platform: str
    process: subprocess.Popen[bytes]
    ends_at: float


class Desk:
    """The supervisor's end: starts a process for each question, and answers when it has ended."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._own, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._own.setblocking(False)
        self._theirs.setblocking(False)
        self._tests: list[_Test] = []

    @property
    def descriptor(self) -> int:
        """The end for the process that asks, which inherits it at each start."""
        return self._theirs.fileno()

    def watch(self, now: float) -> None:
        """Take questions, and answer those whose test has ended. `now` is of any steady clock."""
        with contextlib.suppress(BlockingIOError):
            while len(self._tests) < TESTS_MAX:
                self._begin(self._own.recv(DATAGRAM_BYTES_MAX), now)
        for test in list(self._tests):
            if test.process.poll() is None and now < test.ends_at:
                continue
            self._tests.remove(test)
            self._answer(test.id, *_outcome(test))

    def close(self) -> None:
        """End the tests that run, unanswered."""
        for test in self._tests:
            test.process.kill()
            test.process.communicate()
        self._tests.clear()
        self._own.close()
        self._theirs.close()

    def _begin(self, raw: bytes, now: float) -> None:
        try:
            asked = _question.decode(raw)
        except UNREADABLE:
            # Not of an Asker, so nobody waits: the supervisor of all roles must not end by it.
            return
        id, platform = asked.id, asked.platform
        prepared = self._prepared(platform)
        if prepared is None:
            self._answer(id, False, f"{platform} is not a platform")
            return
        document, environ = prepared
        descriptor = opened(document)
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "ticketing", "test-connection", platform],
                env={**environ, HANDOVER_VARIABLE: str(descriptor)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[descriptor],
            )
        except OSError as error:
            self._answer(id, False, f"the test could not be started: {error.strerror}")
            return
        finally:
            os.close(descriptor)
        self._tests.append(_Test(id, platform, process, now + TEST_SECONDS_MAX))

    def _answer(self, id: str, ok: bool, message: str) -> None:
        answer = {"id": id, "ok": ok, "message": message[:ANSWER_CHARS_MAX]}
        # Nobody reads: the answer is of no use to anybody.
        with contextlib.suppress(OSError):
            self._own.send(json.dumps(answer).encode())


def _outcome(test: _Test) -> tuple[bool, str]:
    """True for a connection that is fine, and the words of the command's line."""
    if test.process.poll() is None:
        test.process.kill()
        test.process.communicate()
        return False, f"no answer within {TEST_SECONDS_MAX:g} s"
    output, _ = test.process.communicate()
    said = output.decode("utf-8", "replace").strip()
    _, found, message = said.removeprefix(f"{test.platform}: ").partition(": ")
    if not found:
        return False, f"the test ended with status {test.process.returncode}"
    return said.startswith(f"{test.platform}: ok: "), message


class Asker:
    """The end of the process that serves the API. For one event loop."""

    def __init__(self, own: socket.socket) -> None:
        self._own = own
        self._turn = asyncio.Lock()

    async def test(self, platform: str) -> tuple[bool, str]:
        """True for a connection to a platform that is fine, and the words for people."""
        id = secrets.token_hex(8)
        loop = asyncio.get_running_loop()
        async with self._turn:
            try:
                asked = msgspec.json.encode(_Question(id, platform))
                await loop.sock_sendall(self._own, asked)
                return await asyncio.wait_for(self._answered(id), TEST_SECONDS_MAX * 2)
            except (asyncio.TimeoutError, OSError):
                return False, "the supervisor does not answer"

    async def _answered(self, id: str) -> tuple[bool, str]:
        loop = asyncio.get_running_loop()
        while True:
            found: dict[str, Any] = json.loads(await loop.sock_recv(self._own, DATAGRAM_BYTES_MAX))
            if found["id"] == id:
                return bool(found["ok"]), str(found["message"])

    def close(self) -> None:
        """Ask no more."""
        self._own.close()


def asker(environ: MutableMapping[str, str]) -> Asker | None:
    """The asker of a process that a supervisor started for it, once; else None."""
    given = environ.pop(VARIABLE, None)
    if given is None:
        return None
    own = socket.socket(fileno=int(given))
    own.setblocking(False)
    return Asker(own)
