"""Time to the page and CPU while many open incidents count, at a steady rate of logs."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aiohttp import web
from bench import logs
from bench.life import PARTITIONS, WAIT_SECONDS_MAX, document, pagerduty_at, served, worker
from support.kafka import Kafka
from support.waiting import wait_for

TOPIC = "bench-busy"
RATE = 2_000
SECONDS = 90
WARM_SECONDS = 30
"""A young Java broker compiles itself."""
BUSY = 40
"""Open incidents that go on counting."""
BUSY_EVERY_LOGS = 33
"""60 anomalies a second."""
PAGE_EVERY_LOGS = 2_000
ROLES = ["pipeline", "traces", "view", "pagerduty"]


def report(kafka: Kafka) -> str:
    """The part of the report."""
    took, cores, alone = busy(kafka)
    took.sort()
    shown = ", ".join(f"{name} {share:.2f}" for name, share in cores.items())
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    return (
        "## Busy incidents\n\n"
        f"At {RATE:,} logs/s, while {BUSY} open incidents count {RATE // BUSY_EVERY_LOGS} anomalies a"
        f" second, {len(took)} pages: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms from producing"
        f" the log (promised: p99 below 200 ms). Cores: {shown}; together"
        f" {sum(cores.values()):.2f} (promised: 0.3). To take in the logs alone, read by nobody, costs"
        f" the broker {alone:.2f}."
    )


def busy(kafka: Kafka) -> tuple[list[float], dict[str, float], float]:
    """Seconds from log to page, the cores that each process took meanwhile, and those that the
    broker takes for logs that nobody reads."""
    arrived: dict[str, float] = {}
    sent: dict[str, float] = {}

    async def enqueue(request: web.Request) -> web.Response:
        event = await request.json()
        arrived.setdefault(event.get("payload", {}).get("component", ""), time.time())
        return web.json_response(
            {"status": "success", "message": "ok", "dedup_key": event["dedup_key"]}, status=202
        )

    def records(seconds: int, named: str = "paged") -> Iterator[bytes]:
        rng = random.Random(3)
        start = time.monotonic()
        for number in range(RATE * seconds):
            early = start + number / RATE - time.monotonic()
            if early > 0.002:
                time.sleep(early)
            if number % PAGE_EVERY_LOGS == PAGE_EVERY_LOGS - 1:
                service = f"{named}-{number // PAGE_EVERY_LOGS}"
                sent[service] = time.time()
                yield document(service, "disk is full", 0.99)
            elif number % BUSY_EVERY_LOGS == 0:
                yield document(f"busy-{number // BUSY_EVERY_LOGS % BUSY}", "pool is empty", 0.99)
            else:
                yield logs.log(number, number, logs.message(number, rng), 0.1, rng)

    given = {
        # An incident and a page for each alert.
        "grouping": "pattern",
        "groupWait": "0s",
        "traces": {"enabled": True},
        "routing": {"critical": ["pagerduty"]},
    }
    with (
        served(enqueue) as address,
        worker(kafka, TOPIC, ROLES, given | pagerduty_at(address)) as processes,
    ):
        first = [document(f"busy-{number}", "pool is empty", 0.99) for number in range(BUSY)]
        kafka.produce(TOPIC, first)
        wait_for(lambda: len(arrived) >= BUSY, "the first pages", WAIT_SECONDS_MAX)
        kafka.produce(TOPIC, records(WARM_SECONDS, "warm"), linger_ms=5)
        pids = _pids(kafka, processes)
        unread = f"{TOPIC}-unread"
        kafka.create(unread, PARTITIONS)
        alone = _cores(
            pids, lambda: kafka.produce(unread, records(WARM_SECONDS, "unread"), linger_ms=5)
        )
        sent.clear()
        cores = _cores(pids, lambda: kafka.produce(TOPIC, records(SECONDS), linger_ms=5))
        wait_for(lambda: set(sent) <= set(arrived), "all pages", WAIT_SECONDS_MAX)
        kafka.delete(unread)
    return [arrived[service] - at for service, at in sent.items()], cores, alone.get("broker", 0.0)


def _cores(pids: dict[str, int], work: Callable[[], object]) -> dict[str, float]:
    """The cores that each process takes during some work."""
    before, began = {name: _cpu(pid) for name, pid in pids.items()}, time.monotonic()
    work()
    took = time.monotonic() - began
    return {name: (_cpu(pid) - before[name]) / took for name, pid in pids.items()}


def _pids(kafka: Kafka, processes: list[subprocess.Popen[bytes]]) -> dict[str, int]:
    found = dict(zip(ROLES, (process.pid for process in processes), strict=True))
    broker = getattr(kafka, "_process", None)
    return found if broker is None else {**found, "broker": broker.pid}


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
