"""What the benchmark says beside speed: time to the page, memory, and what a large table costs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from bench import logs
from bench.side import rate_of
from support.kafka import Kafka
from support.requirements import free_port
from support.waiting import wait_for

HERE = Path(__file__).parent
PARTITIONS = 4
WAIT_SECONDS_MAX = 1800.0

RATE = 10_000
PAGES = 300
PAGE_EVERY_LOGS = 1_000

FEW, MANY = 1_000, 100_000
TRAFFIC = 2_000_000
TRAFFIC_SKIPPED_SHARE = 0.5
"""After a start, a worker looks through its table once; that is not what traffic costs."""
TRAFFIC_ROUNDS = 5
"""One round alone is off by a quarter either way."""


def report(kafka: Kafka, stored: int, say: Callable[[str], None]) -> str:
    """All three, as a part of the report."""
    say(f"produce to page, at {RATE:,} logs/s")
    took = sorted(latency(kafka))
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    say(f"memory with {FEW:,} and {MANY:,} open incidents")
    growth = memory(kafka)
    say(f"the same traffic with {FEW:,} and {stored:,} incidents stored")
    ratio = table_size(kafka, stored)
    return (
        "## Time to the page\n\n"
        f"From producing an anomalous log to the platform's request, at {RATE:,} logs/s, group wait 0,"
        f" {len(took)} pages: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms (promised: p99 below"
        " 1 s).\n\n"
        "## Memory\n\n"
        f"From {FEW:,} to {MANY:,} open incidents the pipeline grows by {growth:.0f} bytes an incident"
        " (promised: below 1,024).\n\n"
        "## A large table\n\n"
        f"The same traffic over {FEW:,} fingerprints with {stored:,} incidents stored runs at"
        f" {ratio:.2f} of its speed with {FEW:,} stored, medians of {TRAFFIC_ROUNDS} rounds (promised:"
        " 0.8)."
    )


def latency(kafka: Kafka) -> list[float]:
    """Seconds from producing the first log of a new fault to the request that pages."""
    arrived: dict[str, float] = {}
    sent: dict[str, float] = {}

    async def enqueue(request: web.Request) -> web.Response:
        event = await request.json()
        arrived.setdefault(event.get("payload", {}).get("component", ""), time.time())
        return web.json_response(
            {"status": "success", "message": "ok", "dedup_key": event["dedup_key"]}, status=202
        )

    def records() -> Iterator[bytes]:
        rng = random.Random(3)
        start = time.monotonic()
        for number in range(PAGES * PAGE_EVERY_LOGS):
            early = start + number / RATE - time.monotonic()
            if early > 0.002:
                time.sleep(early)
            if number % PAGE_EVERY_LOGS == PAGE_EVERY_LOGS - 1:
                service = f"paged-{number // PAGE_EVERY_LOGS}"
                sent[service] = time.time()
                yield document(service, "disk is full", 0.99)
            else:
                yield logs.log(number, number, logs.message(number, rng), 0.1, rng)

    with (
        served(enqueue) as address,
        worker(
            kafka,
            "bench-latency",
            ["pipeline", "pagerduty"],
            {
                "groupWait": "0s",
                "routing": {"critical": ["pagerduty"]},
                **pagerduty_at(address),
            },
        ),
    ):
        # The first page shows that everything runs; it is not counted.
        kafka.produce("bench-latency", [document("warm-up", "disk is full", 0.99)])
        wait_for(lambda: "warm-up" in arrived, "the first page", WAIT_SECONDS_MAX)
        kafka.produce("bench-latency", records(), linger_ms=5)
        wait_for(lambda: len(arrived) > PAGES, "all pages", WAIT_SECONDS_MAX)
    return [arrived[service] - at for service, at in sent.items()]


def memory(kafka: Kafka) -> float:
    """Bytes of resident memory that an open incident costs the pipeline."""
    with worker(kafka, "bench-memory", ["pipeline"], {}) as [pipeline]:
        # The same amount of traffic on both sides: buffers and caches are as full.
        kafka.produce("bench-memory", incidents(MANY, FEW))
        settle(kafka, "bench-memory", pipeline)
        before = resident(pipeline.pid)
        kafka.produce("bench-memory", incidents(MANY, MANY))
        settle(kafka, "bench-memory", pipeline)
        return (resident(pipeline.pid) - before) / (MANY - FEW)


def table_size(kafka: Kafka, stored: int) -> float:
    """How fast traffic runs over a large table, as a share of its speed over a small one."""
    return _traffic_with(kafka, stored) / _traffic_with(kafka, FEW)


def _traffic_with(kafka: Kafka, stored: int) -> float:
    with tempfile.TemporaryDirectory(prefix="ticketing-bench-") as directory:
        data = Path(directory)
        # Their tickets are due at once: what is stored then rests. A round's worker leaves without
        # a word; the next one waits until the group has missed it.
        given = {"groupWait": "0s", "kafka": {"sessionTimeout": "6s"}}
        with worker(kafka, "bench-filled", ["pipeline"], given, data) as [pipeline]:
            kafka.produce("bench-filled", incidents(stored, stored))
            settle(kafka, "bench-filled", pipeline)
        rates = [
            _traffic_round(kafka, f"bench-traffic-{turn}", data, given)
            for turn in range(TRAFFIC_ROUNDS)
        ]
        kafka.delete(*_ours(kafka))
        return statistics.median(rates)


def _traffic_round(kafka: Kafka, topic: str, data: Path, given: dict[str, Any]) -> float:
    kafka.create(topic, PARTITIONS)
    kafka.produce(topic, incidents(TRAFFIC, FEW))
    config = _config(kafka, topic, data, given)
    numbers = map(str, (TRAFFIC, TRAFFIC, TRAFFIC_SKIPPED_SHARE))
    rate = rate_of([sys.executable, str(HERE / "ours.py"), *numbers], _environ(config))
    kafka.delete(topic)
    return rate


def incidents(count: int, fingerprints: int) -> Iterator[bytes]:
    """Anomalous logs over so many fingerprints, in turns."""
    for number in range(count):
        which = number % fingerprints
        service = f"shop-{which // 25}"
        yield document(
            service, f"{'abcdefghijklmnopqrstuvwxy'[which % 25]}-store is full at {number % 7}"
        )


def pagerduty_at(address: str) -> dict[str, Any]:
    """Settings that send every page to an address, as fast as they come."""
    return {
        "pagerduty": {
            "enabled": True,
            "routingKey": "0" * 32,
            "apiUrl": address,
            "rateLimit": "10000/second",
            "concurrency": 64,
        },
        "storm": {"maxPagesPerMinute": 0, "maxPagesPerScope": 0},
    }


def document(service: str, message: str, score: float = 0.9) -> bytes:
    """One enriched log, without what does not matter here."""
    return json.dumps(
        {"service": service, "message": message, "tenant_id": "bench", "anomaly_score": score}
    ).encode()


@contextmanager
def worker(
    kafka: Kafka, topic: str, roles: list[str], given: dict[str, Any], data: Path | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of the job, one a role, on an input topic of their own."""
    kafka.create(topic, PARTITIONS)
    with tempfile.TemporaryDirectory(prefix="ticketing-bench-") as directory:
        environ = _environ(_config(kafka, topic, data or Path(directory), given))
        processes = [
            subprocess.Popen([sys.executable, "-m", "ticketing", "worker", role], env=environ)
            for role in roles
        ]
        try:
            yield processes
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(120)
            left = [topic] if data is not None else [topic, *_ours(kafka)]
            kafka.delete(*left)


def settle(kafka: Kafka, topic: str, pipeline: subprocess.Popen[bytes]) -> None:
    """Wait until everything produced so far is counted and committed."""

    def handled(name: str) -> bool:
        if pipeline.poll() is not None:
            raise SystemExit(f"the pipeline has ended with {pipeline.returncode}")
        if name not in kafka.topics():
            return False
        committed = kafka.committed("ticketing", name)
        return all(committed[number] >= end for number, end in kafka.ends(name).items())

    for name in (topic, "ticketing-signals", "ticketing-incidents"):
        wait_for(partial(handled, name), f"commits of {name}", WAIT_SECONDS_MAX)


def resident(pid: int) -> int:
    """A process's resident memory, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no memory")


@contextmanager
def served(handler: Callable[[web.Request], Any]) -> Iterator[str]:
    """A stand-in for PagerDuty's Events API in a thread; its address."""
    port = free_port()
    loop = asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v2/enqueue", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _ours(kafka: Kafka) -> Iterable[str]:
    return [name for name in kafka.topics() if name.startswith("ticketing")]


def _config(kafka: Kafka, topic: str, data: Path, given: dict[str, Any]) -> Path:
    path = data / "bench.json"
    path.write_text(
        json.dumps(
            {
                # Several workers on one machine: none of them needs to be asked.
                "metrics": {"enabled": False},
                "input": {"topics": [topic]},
                "dataDir": str(data),
                "faustWeb": {"enabled": False},
                "traces": {"enabled": False},
                "log": {"level": "error"},
                **given,
                "kafka": {
                    "brokers": kafka.address,
                    "partitions": PARTITIONS,
                    **given.get("kafka", {}),
                },
                "storm": {"maxPatternsPerService": 0, **given.get("storm", {})},
            }
        )
    )
    return path


def _environ(config: Path) -> dict[str, str]:
    root = str(HERE.parents[1])
    return {**os.environ, "PYTHONPATH": root, "TICKETING_CONFIG": str(config)}
