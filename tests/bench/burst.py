"""10,000 new alerts of one scope within ten seconds, from the log to the incident and to the page."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
from aiohttp import web
from bench.life import WAIT_SECONDS_MAX, document, pagerduty_at, served, worker
from support.kafka import Kafka
from support.waiting import wait_for

TOPIC = "bench-burst"
ALERTS = 10_000
SERVICES = 500
SECONDS = 10
CRITICAL_EVERY = 5
"""Of the first 500 alerts, one a service: 100 pages."""
GROUP_WAIT_SECONDS = 5.0
"""As by default for critical incidents."""
WORDS = ("disk", "pool", "cache", "queue", "lock")
FAULTS = ("full", "empty", "stale", "lost")


class Published(msgspec.Struct):
    """The fields of a published incident that tell its alert."""

    service: str = ""
    title: str = ""


def report(kafka: Kafka) -> str:
    """The part of the report."""
    placed, paged = burst(kafka)
    count = len(placed)
    p50, p99, last = placed[count // 2], placed[count * 99 // 100], placed[-1]
    return (
        "## A burst\n\n"
        f"{ALERTS:,} new alerts of one scope over {SERVICES} services within {SECONDS} s:"
        f" {count:,} incidents, published p50 {p50:.2f} s, p99 {p99:.2f} s and at the latest"
        f" {last:.2f} s after the log (promised: 2 s). The {len(paged)} pages of critical ones came"
        f" at the latest {paged[-1] - GROUP_WAIT_SECONDS:.2f} s after their group wait (promised:"
        " 5 s)."
    )


def message(number: int) -> tuple[str, str]:
    """Service and text of one alert."""
    which = number // SERVICES
    word, fault = WORDS[which % len(WORDS)], FAULTS[which // len(WORDS)]
    return f"shop-{number % SERVICES}", f"the {word} is {fault}"


def burst(kafka: Kafka) -> tuple[list[float], list[float]]:
    """Seconds from the log to the incident, and of critical ones to the page; each in order."""
    arrived: dict[tuple[str, str], float] = {}
    sent: dict[tuple[str, str], float] = {}
    critical: set[tuple[str, str]] = set()

    async def enqueue(request: web.Request) -> web.Response:
        event = await request.json()
        payload = event.get("payload", {})
        arrived.setdefault((payload.get("component", ""), ""), time.time())
        return web.json_response(
            {"status": "success", "message": "ok", "dedup_key": event["dedup_key"]}, status=202
        )

    def records() -> Iterator[bytes]:
        start = time.monotonic()
        for number in range(ALERTS):
            early = start + number * SECONDS / ALERTS - time.monotonic()
            if early > 0.002:
                time.sleep(early)
            key = message(number)
            pages = number % CRITICAL_EVERY == 0 and number < SERVICES
            if pages:
                critical.add(key)
            sent[key] = time.time()
            yield document(*key, 0.99 if pages else 0.87)

    given = {
        # An incident and a page for each alert.
        "grouping": "pattern",
        "groupWait": {"critical": f"{GROUP_WAIT_SECONDS:.0f}s"},
        "routing": {"critical": ["pagerduty"], "high": [], "medium": []},
    }
    with (
        served(enqueue) as address,
        worker(kafka, TOPIC, ["pipeline", "view", "pagerduty"], given | pagerduty_at(address)),
    ):
        kafka.produce(TOPIC, [document("warm-up", "disk is full", 0.99)])
        wait_for(lambda: ("warm-up", "") in arrived, "the first page", WAIT_SECONDS_MAX)
        kafka.produce(TOPIC, records(), linger_ms=5)
        pages = {(service, "") for service, _ in critical}
        wait_for(lambda: pages <= set(arrived), "all pages", WAIT_SECONDS_MAX)
        found = wait_for(lambda: _placed(kafka, sent), "all incidents", WAIT_SECONDS_MAX)
    paged = sorted(arrived[service, ""] - sent[service, text] for service, text in critical)
    return found, paged


def _placed(kafka: Kafka, sent: dict[tuple[str, str], float]) -> list[float]:
    """Seconds from each log to the first publication of its incident; empty if one is missing."""
    first: dict[tuple[str, str], float] = {}
    for record in kafka.read("ticketing-incidents"):
        value = record.value()
        if value is not None:
            one = msgspec.json.decode(value, type=Published)
            first.setdefault((one.service, one.title), record.timestamp()[1] / 1000.0)
    if not set(sent) <= set(first):
        return []
    return sorted(max(0.0, first[key] - at) for key, at in sent.items())
