"""A real Redis for tests.

Taken, in this order, from an address in TICKETING_TEST_REDIS, from Docker if an engine answers, from
a `redis-server` on this machine. The session shares one (`redis_server`); a test keeps to itself by
a prefix of its own. A test that stops or empties Redis starts its own (`own_redis`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from support.kafka import docker
from support.requirements import free_port, has_docker, missing
from support.waiting import wait_for

ADDRESS_VARIABLE = "TICKETING_TEST_REDIS"
IMAGE = "redis:7-alpine"
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0


class RedisServer:
    """A Redis under test; `url` stays the same over restarts, what it held is gone with a stop."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Start it, empty; returns when it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it: connections are refused from now on."""
        raise NotImplementedError

    def close(self) -> None:
        """End it."""

    def client(self) -> Any:
        """A client for the test's own eyes."""
        return Redis.from_url(self.url)

    def wait_until_up(self) -> None:
        """Return once it answers."""

        def answers() -> bool:
            try:
                with self.client() as client:
                    return bool(client.ping())
            except (RedisError, OSError):
                return False

        wait_for(answers, f"Redis on {self.url}", START_SECONDS_MAX)


class ExternalRedis(RedisServer):
    """Somebody else's, at an address from the environment."""

    def start(self) -> None:
        """It runs already."""
        self.wait_until_up()

    def stop(self) -> None:
        """Not ours to stop: the test is skipped."""
        missing(f"{ADDRESS_VARIABLE} names a Redis that is not ours to stop")


class LocalRedis(RedisServer):
    """redis-server as a process of ours."""

    def __init__(self) -> None:
        self._port = free_port()
        super().__init__(f"redis://127.0.0.1:{self._port}/0")
        self._directory = Path(tempfile.mkdtemp(prefix="ticketing-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; nothing is kept on disk."""
        command = [
            *("redis-server", "--port", str(self._port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait_until_up()

    def stop(self) -> None:
        """End the process."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(STOP_SECONDS_MAX)

    def close(self) -> None:
        """End the process and remove its directory."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)


class DockerRedis(RedisServer):
    """Redis's own image, in a container of ours."""

    def __init__(self) -> None:
        self._port = free_port()
        super().__init__(f"redis://127.0.0.1:{self._port}/0")
        self._name = f"ticketing-redis-{uuid.uuid4().hex[:12]}"
        self._made = False

    def start(self) -> None:
        """Make the container, or start it again."""
        if self._made:
            docker("start", self._name)
        else:
            published = f"127.0.0.1:{self._port}:6379"
            command = ["redis-server", "--save", "", "--appendonly", "no"]
            docker("run", "-d", "--name", self._name, "-p", published, IMAGE, *command)
            self._made = True
        self.wait_until_up()

    def stop(self) -> None:
        """Kill what runs in the container."""
        docker("kill", self._name)

    def pause(self) -> None:
        """Freeze the container."""
        docker("pause", self._name)

    def resume(self) -> None:
        """Let it go on."""
        docker("unpause", self._name)

    def close(self) -> None:
        """Remove the container."""
        if self._made:
            docker("rm", "-f", "-v", self._name)


def launch() -> RedisServer:
    """A Redis that answers; close it in the end. Skips or fails the test where there is none."""
    server = _make()
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def _make() -> RedisServer:
    address = os.environ.get(ADDRESS_VARIABLE)
    if address:
        return ExternalRedis(address)
    if has_docker():
        return DockerRedis()
    if shutil.which("redis-server") is None:
        missing(f"no Redis: neither {ADDRESS_VARIABLE}, nor Docker, nor redis-server")
    return LocalRedis()
