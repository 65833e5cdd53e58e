"""Workers as processes against a real broker: started, killed, stopped, looked at, judged.

    with Fleet(broker, tmp_path) as fleet:          # or the fixture `fleet`
        fleet.configure(groupWait="1s")             # camelCase, merged into what is there
        fleet.with_sandbox("pagerduty", "slack")    # else no platform is enabled
        worker = fleet.worker("a", "pipeline", "view", "pagerduty")
        worker.wait_ready()
        fleet.feed(lines)
        worker.kill("pipeline"); worker.start("pipeline")
        fleet.wait_counted(1000)

A worker is a set of roles with a data directory and metrics of their own; every role is a process,
`ticketing worker ROLE`, which the test knows by its pid. With `keep=True` what ends by itself or by
`kill` is started again, like a supervisor would, but at once. What is true stands in Kafka: the
counts come from ticketing-incidents, read to its end, not from a metric.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, multiprocess
from support.kafka import Kafka
from support.requirements import free_port
from support.sandbox import SandboxProcess
from support.waiting import wait_for

from ticketing.config import load
from ticketing.domain.incidents.incident import Incident
from ticketing.kafka.runtime import Runtime
from ticketing.sandbox.credentials import sandbox_config
from ticketing.wire.dead_letters import DeadLetter, decode_dead_letter
from ticketing.wire.incidents import decode_incident
from ticketing.wire.topics import DEAD_LETTERS, INCIDENTS

INPUT = "enriched-logs"
PARTITIONS = 4
SESSION_TIMEOUT_SECONDS = 10
STOP_SECONDS_MAX = 30.0
LOG_CHARS_SHOWN = 4000
WATCH_EVERY_SECONDS = 0.1


class RoleProcess:
    """One role of a worker: a process, present or not."""

    def __init__(self, role: str, environ: Mapping[str, str], log: Path, metrics: Path) -> None:
        self.role = role
        self.command = [sys.executable, "-m", "ticketing", "worker", role]
        self.log = log
        self.exits: list[int] = []
        """The exit codes of the processes that have ended; negative for a signal."""
        self._environ = environ
        self._metrics = metrics
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """The process's id; it must be running."""
        assert self._process is not None, f"{self.role} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        with self._lock:
            if self._process is None:
                return False
            code = self._process.poll()
            if code is None:
                return True
            self._note_end(code)
            return False

    def start(self) -> None:
        """Start it unless it runs."""
        with self._lock:
            if self.running:
                return
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self.command,
                    env=dict(self._environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with self._lock:
            if self.running:
                assert self._process is not None
                self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int | None:
        """Send it a signal that ends it and wait for that; its exit code."""
        with self._lock:
            if not self.running:
                return None
            process = self._process
            assert process is not None
            process.send_signal(number)
            if number != signal.SIGKILL:
                # A stopped process takes a signal only once it goes on.
                process.send_signal(signal.SIGCONT)
            try:
                code = process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            self._note_end(code)
            return code

    def wait_ended(self, seconds: float = 120.0) -> int:
        """Wait until it has ended by itself; its exit code."""
        wait_for(lambda: not self.running, f"the end of {self.role}", seconds)
        return self.exits[-1]

    def _note_end(self, code: int) -> None:
        assert self._process is not None
        self.exits.append(code)
        multiprocess.mark_process_dead(self._process.pid, str(self._metrics))
        self._process = None


class Worker:
    """The roles of one machine. `api` is the address of its API, if it has the role view or api."""

    def __init__(
        self, name: str, directory: Path, config: Mapping[str, Any], roles: Sequence[str]
    ) -> None:
        self.name = name
        self.directory = directory
        self.data = directory / "data"
        self.metrics_directory = directory / "metrics"
        self.metrics_directory.mkdir(parents=True)
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}"
        own = {
            "dataDir": str(self.data),
            "web": {"host": "127.0.0.1", "port": self.port},
            "metrics": {"port": 0},
        }
        self.config = merged(own, config)
        self.config_file = directory / "config.json"
        self.config_file.write_text(json.dumps(self.config, indent=1))
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TICKETING_")},
            "TICKETING_CONFIG": str(self.config_file),
            "TICKETING_ROLES": ",".join(roles),
            "TICKETING_PARENT": str(os.getpid()),
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics_directory),
        }
        self.roles: dict[str, RoleProcess] = {
            role: RoleProcess(role, environ, directory / f"{role}.log", self.metrics_directory)
            for role in roles
        }
        self.kept: set[str] = set()
        """Roles that are started again when they end."""

    def start(self, *roles: str) -> None:
        """Start the roles named, or all."""
        for role in roles or self.roles:
            self.roles[role].start()

    def kill(self, *roles: str) -> None:
        """SIGKILL."""
        for role in roles or self.roles:
            self.roles[role].end(signal.SIGKILL)

    def stop(self, *roles: str) -> None:
        """SIGTERM, and they stay down."""
        for role in roles or self.roles:
            self.kept.discard(role)
        for role in roles or self.roles:
            self.roles[role].send(signal.SIGTERM)
        for role in roles or self.roles:
            self.roles[role].end(signal.SIGTERM)

    def pause(self, role: str) -> None:
        """SIGSTOP."""
        self.roles[role].send(signal.SIGSTOP)

    def resume(self, role: str) -> None:
        """SIGCONT."""
        self.roles[role].send(signal.SIGCONT)

    def restart(self, *roles: str) -> None:
        """Stop in order, start, wait until ready."""
        kept = set(self.kept)
        self.stop(*roles)
        self.start(*roles)
        self.kept |= kept
        self.wait_ready(*roles)

    def pid(self, role: str) -> int:
        """The process of a role."""
        return self.roles[role].pid

    def wipe(self, role: str) -> None:
        """Lose the role's disk; it must not be running."""
        assert not self.roles[role].running
        app = "ticketing" if role == "pipeline" else f"ticketing-{role}"
        shutil.rmtree(self.data / app, ignore_errors=True)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ticketing` with these arguments on the worker's host, and wait for its end."""
        return subprocess.run(
            [sys.executable, "-m", "ticketing", *arguments],
            env=dict(next(iter(self.roles.values()))._environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def log(self, role: str) -> str:
        """What a role has said so far."""
        log = self.roles[role].log
        return log.read_text(errors="replace") if log.exists() else ""

    def metrics(self) -> dict[str, float]:
        """Every sample, summed over processes; with labels as `name{label=value,...}`, and by name.

        Processes that were killed are in the counters still, with what they had counted.
        """
        found: dict[str, float] = {}
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(self.metrics_directory))
        for family in registry.collect():
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
                if sample.labels:
                    labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
                    found[f"{sample.name}{{{labels}}}"] = sample.value
        return found

    def is_ready(self, role: str) -> bool:
        """Whether a role has its partitions and tables, or answers HTTP."""
        if not self.roles[role].running:
            return False
        if role in ("view", "api") and not self._answers():
            return False
        try:
            return role == "api" or self.metrics().get(f"ticketing_app_ready{{app={role}}}") == 1.0
        except struct.error:
            # A process that starts has made its file of metrics and not yet written its head.
            return False

    def _answers(self) -> bool:
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def wait_ready(self, *roles: str, seconds: float = 120.0) -> None:
        """Wait for the roles named, or all that should run; says why with the end of the log."""
        for role in roles or self.roles:
            process = self.roles[role]

            def ready(role: str = role, process: RoleProcess = process) -> bool:
                if role not in self.kept and not process.running and process.exits:
                    raise AssertionError(
                        f"{role} ended with {process.exits[-1]}:\n{self.tail(role)}"
                    )
                return self.is_ready(role)

            try:
                wait_for(ready, f"{role} of {self.name}", seconds)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.tail(role)}") from None

    def tail(self, role: str) -> str:
        """The end of a role's log."""
        return self.log(role)[-LOG_CHARS_SHOWN:]

    # Its API

    def get(self, path: str) -> tuple[int, Any]:
        """Status and decoded body of a GET."""
        return self._request("GET", path)

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body of a POST."""
        return self._request("POST", path, body)

    def patch(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and decoded body of a PATCH."""
        return self._request("PATCH", path, body)

    def _request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.api + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())

    def incidents(self) -> list[dict[str, Any]]:
        """Every incident the API knows, once its view is complete."""

        def built() -> tuple[int, Any] | None:
            status, body = self.get("/api/incidents?limit=500")
            return None if status == 503 and body.get("rebuilding") else (status, body)

        found = wait_for(built, "a complete view")
        assert found is not None
        status, body = found
        assert status == 200, body
        return body  # type: ignore[no-any-return]

    def only_incident(self) -> dict[str, Any]:
        """The only incident, once the API knows it; a ticket may be there before it does."""
        (incident,) = wait_for(self.incidents, "the incident in the API")
        return incident


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


class Fleet:
    """Workers, a sandbox if wanted, and what Kafka holds."""

    def __init__(self, kafka: Kafka, directory: Path) -> None:
        self.kafka = kafka
        self.directory = directory
        self.workers: dict[str, Worker] = {}
        self.sandbox: SandboxProcess | None = None
        self.config: dict[str, Any] = {
            "kafka": {
                "brokers": kafka.address,
                "partitions": PARTITIONS,
                "replicationFactor": 1,
                "sessionTimeout": f"{SESSION_TIMEOUT_SECONDS}s",
            },
            "faustWeb": {"enabled": False},
            "groupWait": "1s",
            # Most tests are about one incident for each alert.
            "grouping": "pattern",
            # Whoever waits for a count need not wait a minute for the last of it.
            "anomaly": {"countsEvery": "1s"},
            # Nor for its turn, should it make many incidents at once.
            "storm": {"maxPagesPerMinute": 0, "maxPagesPerScope": 0},
            "log": {"format": "console"},
        }
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="fleet", daemon=True)

    def __enter__(self) -> Fleet:
        self._watcher.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started."""
        self._ended.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for worker in self.workers.values():
            worker.kept.clear()
            worker.kill()
        if self.sandbox is not None:
            self.sandbox.stop()

    # Setting up

    def configure(self, **more: Any) -> None:
        """Merge camelCase settings into the configuration of workers made from now on."""
        self.config = merged(self.config, more)

    def with_sandbox(self, *platforms: str, record: Path | None = None) -> SandboxProcess:
        """Start the sandbox and enable these platforms against it."""
        if self.sandbox is None:
            self.sandbox = SandboxProcess(self.directory / "sandbox.log", record=record)
            self.sandbox.start()
        known = sandbox_config(self.sandbox.url)
        self.configure(**{platform: known[platform] for platform in platforms})
        return self.sandbox

    def worker(
        self, name: str, *roles: str, start: bool = True, keep: bool = False, **more: Any
    ) -> Worker:
        """Make a worker of these roles, with settings of its own on top."""
        config = merged(self.config, more)
        worker = Worker(name, self.directory / name, config, roles)
        self.workers[name] = worker
        if start:
            worker.start()
        if keep:
            worker.kept.update(roles)
        return worker

    def runtime(self) -> Runtime:
        """The runtime of the configuration as it is now, for what the test itself does."""
        path = self.directory / "fleet.json"
        path.write_text(json.dumps(self.config))
        return Runtime.of(load(path, {}))

    def create_topics(self, **input_config: object) -> None:
        """Make every topic; `input_config` is that of the input topic, with underscores for dots."""
        runtime = self.runtime()
        if input_config:
            self.kafka.create(INPUT, runtime.partitions, **input_config)
        runtime.ensure_topics()
        wanted = {spec.name for spec in runtime.topic_specs()}
        wait_for(lambda: wanted <= set(self.kafka.topics()), "the topics")

    def feed(self, lines: Iterable[bytes | None], topic: str = INPUT, **options: Any) -> int:
        """Produce records into the input; returns how many. Options are those of Kafka.produce."""
        return self.kafka.produce(topic, lines, **options)

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_EVERY_SECONDS):
            for worker in list(self.workers.values()):
                for role in list(worker.kept):
                    if not worker.roles[role].running and not self._ended.is_set():
                        worker.roles[role].start()

    # What is true

    def incidents(self) -> dict[str, Incident]:
        """Every incident by its id, as it was last published; deleted ones are left out."""
        latest = {record.key(): record.value() for record in self.kafka.read(INCIDENTS)}
        found = {}
        for key, value in latest.items():
            # A test may have put garbage there.
            with contextlib.suppress(msgspec.MsgspecError):
                if value is not None:
                    found[key.decode()] = decode_incident(value)
        return found

    def counted(self) -> int:
        """How many records the incidents have counted."""
        return sum(incident.count for incident in self.incidents().values())

    def dead_letters(self) -> list[DeadLetter]:
        """Every dead letter, in no order; after a crash some may stand there twice."""
        return [decode_dead_letter(record.value()) for record in self.kafka.read(DEAD_LETTERS)]

    def lag(self, group: str, *topics: str) -> int:
        """How many records a group has still to commit."""
        return sum(
            end - self.kafka.committed(group, topic)[number]
            for topic in topics
            for number, end in self.kafka.ends(topic).items()
        )

    def wait_counted(self, wanted: int, seconds: float = 180.0) -> dict[str, Incident]:
        """Wait until so many are counted; fails at once if there are more. Returns the incidents."""

        def reached() -> dict[str, Incident] | None:
            found = self.incidents()
            count = sum(incident.count for incident in found.values())
            assert count <= wanted, f"{count} counted, but only {wanted} were to be"
            return found if count == wanted else None

        try:
            return wait_for(reached, f"{wanted} counted", seconds) or {}
        except AssertionError as error:
            raise AssertionError(f"{error}; counted {self.counted()}\n{self.tails()}") from None

    def wait_tickets(
        self, right: Callable[[list[dict[str, Any]]], bool], what: str, seconds: float = 120.0
    ) -> list[dict[str, Any]]:
        """Wait until the sandbox's tickets are right; returns them."""
        sandbox = self.sandbox
        assert sandbox is not None

        def looked() -> list[dict[str, Any]] | None:
            found = sandbox.tickets()
            return found if right(found) else None

        try:
            return wait_for(looked, what, seconds) or []
        except AssertionError as error:
            raise AssertionError(f"{error}\n{sandbox.tickets()}\n{self.tails()}") from None

    def tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"--- {worker.name} {role}\n{worker.tail(role)}"
            for worker in self.workers.values()
            for role in worker.roles
        )


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, those of `above` winning."""
    found = dict(below)
    for key, value in above.items():
        known = found.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        found[key] = merged(known, value) if both else value  # type: ignore[arg-type]
    return found
