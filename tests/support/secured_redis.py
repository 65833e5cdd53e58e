"""A Redis that lets in one user over TLS, and a Sentinel that watches a master and its replica."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from support.certificates import Authority
from support.requirements import free_port
from support.waiting import wait_for

USERNAME, PASSWORD = "ticketing", "a-password-of-the-tests"
SENTINEL_PASSWORD = "a-password-of-the-sentinel"
MASTER = "tickets"
RIGHTS = ["on", f">{PASSWORD}", "~ticketing*", "&ticketing*", "+@all", "-@admin", "-@dangerous"]
"""The rights of the agent's user, as docs/configuration.md lists them."""
STOP_SECONDS_MAX = 20.0


class RedisProcess:
    """A process of redis-server on loopback."""

    def __init__(self, directory: Path, lines: list[str], *arguments: str) -> None:
        self.port = free_port()
        directory.mkdir(parents=True)
        self._settings = directory / "redis.conf"
        self._settings.write_text(
            "\n".join(["bind 127.0.0.1", f"dir {directory}", 'save ""', *lines, ""])
        )
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *listen: str) -> None:
        """Start the process; `listen` are its arguments for the port."""
        self._process = subprocess.Popen(
            ["redis-server", str(self._settings), *listen, *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(STOP_SECONDS_MAX)


class SecuredRedis(RedisProcess):
    """TLS alone, and no user but the agent's."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "certificates")
        own = self.authority.sign("redis")
        super().__init__(
            directory / "redis",
            [
                f"tls-cert-file {own.certificate}",
                f"tls-key-file {own.key}",
                f"tls-ca-cert-file {self.authority.bundle}",
                "tls-auth-clients no",
                "user default off",
                f"user {USERNAME} {' '.join(RIGHTS)}",
            ],
        )
        self.url = f"rediss://{USERNAME}:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.start("--port", "0", "--tls-port", str(self.port))

        def answers() -> bool:
            try:
                with Redis.from_url(self.url, ssl_ca_certs=str(self.authority.bundle)) as client:
                    return bool(client.ping())
            except (RedisError, OSError):
                return False

        wait_for(answers, "Redis over TLS")


class WatchedRedis:
    """A master, a replica and a Sentinel that makes the replica master when the master is gone."""

    def __init__(self, directory: Path) -> None:
        asks = [f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", "repl-diskless-sync-delay 0"]
        self.master = RedisProcess(directory / "master", asks)
        self.master.start("--port", str(self.master.port))
        self.replica = RedisProcess(
            directory / "replica", [*asks, f"replicaof 127.0.0.1 {self.master.port}"]
        )
        self.replica.start("--port", str(self.replica.port))
        self.sentinel = RedisProcess(
            directory / "sentinel",
            [
                f"sentinel monitor {MASTER} 127.0.0.1 {self.master.port} 1",
                f"sentinel auth-pass {MASTER} {PASSWORD}",
                f"sentinel down-after-milliseconds {MASTER} 1000",
                f"sentinel failover-timeout {MASTER} 3000",
                f"requirepass {SENTINEL_PASSWORD}",
            ],
            "--sentinel",
        )
        self.sentinel.start("--port", str(self.sentinel.port))
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.sentinel.port}/0"
        wait_for(self._ready, "the Sentinel to know the replica")

    def _ready(self) -> bool:
        """True once the replica is in step, and the Sentinel knows of it."""
        try:
            with Redis(port=self.sentinel.port, password=SENTINEL_PASSWORD) as client:
                known = client.sentinel_slaves(MASTER)
            with Redis(port=self.replica.port, password=PASSWORD) as client:
                linked = client.info("replication")["master_link_status"] == "up"
            return bool(known) and linked
        except (RedisError, OSError):
            return False

    def close(self) -> None:
        """End all three."""
        for process in (self.sentinel, self.replica, self.master):
            process.kill()
