"""The whole job in memory: detection, alerts, incidents, sinks, an adapter and its platform.

Each role has workers of its own, a superset of a real installation, where one process has several
roles: so a worker of alerts can die, or go on asleep, while one of incidents lives.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from support.processes import INPUT, TOPIC_ID, Adapter, Detection, Keyed, Sinks
from support.simulated_platform import PLATFORM, Late, Platform
from support.world import RUNNING, Chances, Crash, Process, World

from agents.alerts import AlertMachine
from agents.detection_run import Detector
from agents.incidents import IncidentMachine
from sinks.platform import Traits
from tables.deliveries import Delivery
from ticketing.config import Config
from ticketing.config.alert_policy import alert_policy
from ticketing.config.loading import validate
from ticketing.config.policy import policy
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.scope import partition_of_incident
from ticketing.sandbox.credentials import sandbox_config
from ticketing.wire import topics
from ticketing.wire.alerts import decode_alert
from ticketing.wire.events import encode_events
from ticketing.wire.incidents import decode_incident

SETTINGS: dict[str, Any] = {
    PLATFORM: sandbox_config("http://127.0.0.1:9")[PLATFORM],
    "routing": {severity: [PLATFORM] for severity in ("critical", "high", "medium", "low")},
    "groupWait": "0s",
    "traces": {"enabled": False},
    "grouping": "pattern",
}
"""Every alert has an incident, and that its ticket at once, on the platform in memory."""
Line = Callable[["Pipeline"], None]
WORKERS = ("a", "b", "c")
ASLEEP_SECONDS = (0.0, 30.0)
TURNS_MAX = 20_000
EVENTS_ID = "events-id"


def settings(**more: Any) -> Config:
    """A configuration with some settings in camelCase."""
    return validate({**SETTINGS, **more})


@dataclass
class Role:
    """The workers of one role. `make` starts one on some partitions."""

    name: str
    make: Callable[[Any, list[int]], Process]
    processes: list[Process] = field(default_factory=list)


@dataclass
class _Zombie:
    """A process that fell asleep in the midst of a step and has been replaced."""

    process: Process
    task: asyncio.Future[bool]
    wakes_at: float


class Pipeline:
    """Everything together."""

    def __init__(
        self,
        world: World,
        config: Config,
        traits: Traits,
        *,
        workers: int = 1,
        concurrency: int = 3,
    ) -> None:
        self.world = world
        self.config = config
        self.platform = Platform(world, traits)
        self.late: list[Late] = []
        self.deaths = 0
        self.slept = 0
        self.zombies: list[_Zombie] = []
        self.stopped: set[str] = set()
        """Roles whose processes are stopped (SIGSTOP), for less than the session timeout."""
        inputs = [INPUT]
        known = {INPUT: TOPIC_ID}

        def keyed(topic: str, name: str, which: int) -> Callable[..., Keyed]:
            def make(host: Any, numbers: list[int]) -> Keyed:
                machine = machines(self.config, inputs, world.partitions)[which]()
                return Keyed(world, host, topic, numbers, name, machine)

            return make

        self.roles = {
            role.name: role
            for role in (
                Role(
                    "detection",
                    lambda h, p: Detection(world, h, p, Detector.of(self.config, known)),
                ),
                Role("alerts", keyed(topics.SIGNALS, "alerts", 0)),
                Role("incidents", keyed(topics.EVENTS, "incidents", 1)),
                Role("sinks", lambda h, p: Sinks(world, h, p)),
                Role(
                    "adapter",
                    lambda h, p: Adapter(world, h, p, self.platform, self.late, concurrency),
                ),
            )
        }
        for role in self.roles.values():
            count = 1 if role.name == "adapter" else workers
            world.generation += 1
            for number in range(count):
                numbers = list(range(number, world.partitions, count))
                role.processes.append(role.make(self._host(role, number), numbers))

    def _host(self, role: Role, number: int) -> Any:
        return self.world.host(f"{role.name}-{WORKERS[number]}")

    # Processes come and go

    async def rebalance(self, name: str, workers: int) -> None:
        """So many workers share the partitions of a role from now on."""
        role, world = self.roles[name], self.world
        world.generation += 1
        shares = [list(range(n, world.partitions, workers)) for n in range(workers)]
        for process in role.processes[workers:]:
            process.superseded = True
            await process.reassign([])
        del role.processes[workers:]
        for process, share in zip(role.processes, shares, strict=False):
            await process.reassign(share)
        for number in range(len(role.processes), workers):
            role.processes.append(role.make(self._host(role, number), shares[number]))

    async def replace(self, role: Role, process: Process) -> None:
        """Another process takes the place of one that died or sleeps."""
        process.superseded = True
        if isinstance(process, Adapter):
            process.died()
        place = role.processes.index(process)
        if not self.world.happens(self.world.chances.static):
            self.world.generation += 1
            for other in role.processes:
                if other is not process:
                    await other.reassign(other.partitions)
        host = process.host
        if process.asleep.is_set():
            host = self.world.host(f"{host.name}+")
        role.processes[place] = role.make(host, process.partitions)

    async def surviving(self, role: Role, process: Process) -> bool:
        """Let a process read once; if it dies of it, or falls asleep, the next one starts."""
        if not self.world.sleeps:
            try:
                return await process.turn()
            except Crash:
                self.deaths += 1
                await self.replace(role, process)
                return True
        task = asyncio.ensure_future(process.turn())
        asleep = asyncio.ensure_future(process.asleep.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            asleep.cancel()
            if isinstance(task.exception(), Crash):
                self.deaths += 1
                await self.replace(role, process)
                return True
            return task.result()
        self.slept += 1
        wakes_at = self.world.now + self.world.random.uniform(*ASLEEP_SECONDS)
        self.zombies.append(_Zombie(process, task, wakes_at))
        await self.replace(role, process)
        return True

    async def _wake(self) -> None:
        for zombie in [one for one in self.zombies if one.wakes_at <= self.world.now]:
            self.zombies.remove(zombie)
            await zombie.process.wake()
            await asyncio.wait({zombie.task})
            if zombie.process in RUNNING:
                RUNNING.remove(zombie.process)
            error = zombie.task.exception()
            if error is not None and not isinstance(error, Crash):
                raise error

    async def restart(self, config: Config | None = None) -> None:
        """Kill every process; the next ones may have another configuration."""
        self.config = config or self.config
        for role in self.roles.values():
            for process in list(role.processes):
                await self.replace(role, process)

    # Time passes

    async def turn(self) -> bool:
        """Every process reads once; True if anything was done."""
        busy = False
        for role in self.roles.values():
            if role.name in self.stopped:
                continue
            if role.name != "adapter" and self.world.happens(self.world.chances.rebalance):
                await self.rebalance(role.name, self.world.random.randint(1, len(WORKERS)))
            for process in list(role.processes):
                if process in role.processes:
                    busy |= await self.surviving(role, process)
        for one in [late for late in self.late if late.at <= self.world.now]:
            self.late.remove(one)
            self.platform.accept(one.request)
        await self._wake()
        return busy

    def report(self) -> None:
        """Detection reports its progress, as every few seconds."""
        if "detection" in self.stopped:
            return
        for process in self.roles["detection"].processes:
            RUNNING.append(process)
            assert isinstance(process, Detection)
            process.report()
            RUNNING.pop()

    async def settle(self) -> None:
        """Turn until nothing is left to do now."""
        for _ in range(TURNS_MAX):
            if not await self.turn():
                return
        raise AssertionError("it does not come to rest")

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let true time pass in steps, with everything that it brings."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.now = min(end, self.world.now + step)
            self.report()
            await self.settle()

    async def run(self, script: Iterable[Line], quiet: float = 3600.0) -> None:
        """Play the script, a line a turn, then go on until nothing is due for `quiet` seconds."""
        for line in script:
            line(self)
            if self.world.happens(0.5):
                self.report()
            await self.turn()
            self.world.now += self.world.random.choice([0.0, 0.5, 2.0])
        self.world.chances = Chances()
        until = self.world.now + quiet
        # Records that were handled and not committed are committed with the next one.
        for number in range(self.world.partitions):
            self.world.append(INPUT, number, None, b"{}")
        for _ in range(TURNS_MAX):
            await self.settle()
            self.report()
            await self.settle()
            due = min(self._dues())
            if due > until and not self.zombies:
                return
            self.world.now = max(self.world.now, due) + 0.01
        raise AssertionError("it does not come to rest")

    def _dues(self) -> Iterable[float]:
        yield math.inf
        yield from (late.at for late in self.late)
        yield from (zombie.wakes_at for zombie in self.zombies)
        for role in self.roles.values():
            yield from (one.next_due() for one in role.processes if isinstance(one, Keyed))

    # What people do

    def command(self, incident_id: str, action: Action, id: str, **fields: Any) -> None:
        """Somebody acts on an incident."""
        command = Command(id=id, incident_id=incident_id, action=action, **fields)
        number = partition_of_incident(incident_id, self.world.partitions)
        self.world.append(topics.EVENTS, number, None, encode_events([command]))

    # What stands where

    def states(self, name: str, kind: type[Any]) -> list[Any]:
        """The states of a kind in a role's table."""
        return [
            state
            for process in self.roles[name].processes
            for state in process.states().values()  # type: ignore[attr-defined]
            if isinstance(state, kind)
        ]

    def incidents(self) -> list[Incident]:
        """Every incident as its writer has it."""
        return self.states("incidents", Incident)

    def alerts(self) -> list[Alert]:
        """Every alert as its counter has it."""
        return self.states("alerts", Alert)

    def published(self) -> dict[str, Incident]:
        """Every incident as the topic has it."""
        return self._latest(topics.INCIDENTS, decode_incident)

    def published_alerts(self) -> dict[str, Alert]:
        """Every alert as the topic has it."""
        return self._latest(topics.ALERTS, decode_alert)

    def _latest(self, topic: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
        latest: dict[str, Any] = {}
        for record in self.world.read(topic):
            assert record.key is not None
            key = record.key.decode()
            latest.pop(key, None)
            if record.value is not None:
                latest[key] = decode(record.value)
        return latest

    def deliveries(self) -> dict[str, Delivery]:
        """The adapter's rows."""
        (adapter,) = self.roles["adapter"].processes
        assert isinstance(adapter, Adapter)
        return adapter.states()


def machines(
    config: Config, inputs: list[str], partitions: int
) -> tuple[Callable[[], AlertMachine], Callable[[], IncidentMachine]]:
    """The makers of the two machines, as the worker makes them."""
    return (
        lambda: AlertMachine(alert_policy(config), inputs=inputs, partitions=partitions),
        lambda: IncidentMachine(
            policy(config, partitions),
            partitions=partitions,
            topic_id=EVENTS_ID,
        ),
    )


class Traffic:
    """The records that were fed, so that the counts can be told from them."""

    def __init__(self) -> None:
        self.truth: dict[tuple[str, str, str, str], int] = {}
        """Anomalies by tenant, environment, service and message."""
        self.records = 0
        self.bad = 0

    def fault(
        self,
        service: str,
        message: str,
        records: int = 1,
        *,
        severity: str = "high",
        tenant: str = "acme",
        environment: str = "prod",
        partition: int | None = None,
        late: float = 0.0,
    ) -> Line:
        """So many records of a fault arrive, over the partitions of the input."""

        def line(pipeline: Pipeline) -> None:
            world = pipeline.world
            key = tenant, environment, service, message
            self.truth[key] = self.truth.get(key, 0) + records
            for _ in range(records):
                number = world.random.randrange(world.partitions)
                at = datetime.fromtimestamp(world.now - late, timezone.utc).isoformat()
                document = {
                    "anomaly_score": 0.95,
                    "message": message,
                    "service": service,
                    "severity": severity,
                    "tenant_id": tenant,
                    "environment": environment,
                    "@timestamp": at,
                }
                value = json.dumps(document).encode()
                world.append(INPUT, number if partition is None else partition, None, value)
                self.records += 1

        return line

    def noise(self, records: int = 3) -> Line:
        """Records below the threshold, and such that nobody can read."""

        def line(pipeline: Pipeline) -> None:
            for number in range(records):
                bad = number % 2 == 0
                value = b"not JSON" if bad else b'{"anomaly_score":0.1,"message":"served"}'
                pipeline.world.append(INPUT, number % pipeline.world.partitions, None, value)
                self.records += 1
                self.bad += bad

        return line


def on_incidents_of(service: str, action: Action, id: str, **fields: Any) -> Line:
    """A person acts on the incidents of a service that are known."""

    def line(pipeline: Pipeline) -> None:
        for incident in pipeline.published().values():
            if incident.service == service:
                pipeline.command(incident.id, action, id, **fields)

    return line
