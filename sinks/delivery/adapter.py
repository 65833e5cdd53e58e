"""Builds a platform's adapter from the configuration and adds it to the Faust app."""

from __future__ import annotations

import os
from typing import Any

from sinks.calls.backoff import Backoff
from sinks.delivery import fold
from sinks.delivery.gate import Gate
from sinks.delivery.machine import AdapterMachine
from sinks.delivery.runner import Runner
from sinks.delivery.wishes import OperationResult, encode_result, result_key
from sinks.platform import Sink
from sinks.platforms import create
from ticketing.config import Config
from ticketing.engine.app import TicketingApp, create_table
from ticketing.engine.keyed_agent import KeyedAgent, add_keyed_agent
from ticketing.engine.path_reporter import PathReporter
from ticketing.engine.watchdog import leave
from ticketing.kafka.runtime import Runtime
from ticketing.telemetry import spans
from ticketing.wire.topics import platform_topic

DRAIN_SECONDS = 5.0
"""Time for most requests to end; short enough that a rebalance waits little for a slow platform."""
EXTRA_RETENTION_SECONDS = 86400.0
"""A delivery outlives its incident by a day, so that no late message makes a second ticket."""


def timing(config: Config, platform: str) -> fold.Timing:
    """The waits of a platform's adapter."""
    return fold.Timing(
        timeout=config.platform(platform).timeout,
        give_up_after=config.delivery.give_up_after,
        retention=config.retention + EXTRA_RETENTION_SECONDS,
        backoff=Backoff(first=config.delivery.backoff_min, cap=config.delivery.backoff_max),
    )


def add_adapter(app: TicketingApp, name: str, runtime: Runtime) -> None:
    """Add a platform's adapter to an app: table, agent, requests, and their end."""
    config = runtime.config
    platform = create(name, config, app.fence.check)
    topic = platform_topic(name)
    times = timing(config, name)

    async def report(result: OperationResult, partition: int) -> None:
        app.fence.check()
        sent = await app.producer.send(
            topic,
            result_key(result.incident_id, result.number).encode(),
            encode_result(result),
            partition,
            None,
            spans.headers(),
        )
        await sent

    def fatal(error: BaseException) -> None:
        app.deaths.pause_all()
        leave(f"a result could not be produced: {type(error).__name__}")

    traces = spans.Remembered()
    runner = Runner(
        platform,
        report,
        trace_of=traces.get,
        concurrency=config.platform(name).concurrency,
        fence=app.fence.check,
        fatal=fatal,
    )
    gate = Gate(
        failures_to_close=config.delivery.circuit_failures,
        probe_seconds=times.start_within + times.timeout + times.grace,
        # Workers that noticed a failure at the same moment must not probe at the same moment.
        seed=f"{name}:{os.getpid()}",
    )
    machine = AdapterMachine(platform, runner, gate, times, partitions=runtime.partitions)
    agent: KeyedAgent[Any] = KeyedAgent(
        app,
        app.watchdog,
        app.fence,
        name=f"{name}-adapter",
        topic=topic,
        table=create_table(app, "deliveries", runtime.partitions),
        machine=machine,
        traces=traces,
    )
    add_keyed_agent(app, agent)
    app.described = machine.described
    if config.heartbeat_url is not None:
        path = PathReporter(app, topic, agent.handled, works=lambda: not machine.circuit_open)
        app.task(path.run)
    _end(app, runner, machine, platform, runtime.partitions)


def _end(
    app: TicketingApp,
    runner: Runner,
    machine: AdapterMachine,
    platform: Sink,
    partitions_count: int,
) -> None:
    async def revoked(sender: Any, revoked: Any, **kwargs: Any) -> None:
        partitions = {tp.partition for tp in revoked}
        await runner.drain(partitions, DRAIN_SECONDS)
        machine.forget(partitions)

    async def stopped(sender: Any, **kwargs: Any) -> None:
        # A request that ends before the process leaves no unknown outcome to the next process.
        await runner.drain(range(partitions_count), DRAIN_SECONDS)
        await platform.close()

    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_before_shutdown.connect(stopped, weak=False)
