"""A load whose truth is known: so many anomalous records of so many faults, acknowledged by Kafka."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from confluent_kafka import Message, Producer
from support.kafka import Kafka

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.signals import Anomalies

WORDS = ("pool", "cache", "quota", "socket", "lease", "shard", "proxy", "vault", "queue", "broker")
SERVICES = ("checkout", "payment", "catalog", "search", "account", "shipping")
FLUSH_SECONDS_MAX = 120.0


@dataclass(frozen=True)
class Fault:
    """Something that breaks in a service; `later` is the severity it rises to, if any."""

    service: str
    word: str
    severity: str
    later: str = ""

    @property
    def message(self) -> str:
        """What is logged; %d is another number each time."""
        return f"{self.word} refused request %d of the {self.service}"

    def is_of(self, what: Incident | Anomalies) -> bool:
        """Whether the incident, or the signal, is this fault's."""
        return what.service == self.service and what.pattern.startswith(f"{self.word} ")


def faults(count: int, severities: Sequence[tuple[str, str]]) -> list[Fault]:
    """So many distinct faults over the services; severities in turn, as (first, later)."""
    places = [(service, word) for word in WORDS for service in SERVICES]
    assert count <= len(places)
    return [
        Fault(service, word, *severities[number % len(severities)])
        for number, (service, word) in enumerate(places[:count])
    ]


def record(fault: Fault | None, number: int, severity: str = "") -> bytes:
    """One enriched log: an anomaly of the fault, or of nothing in particular."""
    at = datetime.fromtimestamp(time.time(), timezone.utc).isoformat()
    body: dict[str, Any] = {"@timestamp": at, "tenant_id": "acme", "level": "INFO"}
    if fault is None:
        body |= {"service": SERVICES[number % len(SERVICES)], "message": f"served {number}"}
        return json.dumps({**body, "anomaly_score": 0.1}).encode()
    body |= {"service": fault.service, "message": fault.message % number, "level": "ERROR"}
    return json.dumps(
        {**body, "anomaly_score": 0.95, "severity": severity or fault.severity}
    ).encode()


class Load:
    """Produces in a thread until stopped; one fault after the other joins in.

    `truth` counts what Kafka has acknowledged: the producer is idempotent, so that is what stands
    in the topic, however often the broker goes away.
    """

    def __init__(
        self,
        kafka: Kafka,
        topic: str,
        faults: Sequence[Fault],
        *,
        seed: int,
        rate: float = 200.0,
        anomalous: float = 0.4,
        joining_seconds: float = 120.0,
    ) -> None:
        self.truth: Counter[Fault] = Counter()
        self.records = 0
        self.failures: list[str] = []
        self._topic = topic
        self._faults = faults
        self._random = random.Random(seed)
        self._rate = rate
        self._anomalous = anomalous
        self._joining_seconds = joining_seconds
        self._stop = threading.Event()
        self._producer = Producer(
            {
                **kafka.client,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": int(FLUSH_SECONDS_MAX * 1000),
            }
        )
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """No more, and wait until Kafka holds all of it."""
        self._stop.set()
        self._thread.join(FLUSH_SECONDS_MAX * 2)
        assert not self._thread.is_alive()
        assert not self.failures, self.failures[0]

    def _run(self) -> None:
        began = time.monotonic()
        number = 0
        while not self._stop.is_set():
            elapsed = time.monotonic() - began
            while number < elapsed * self._rate:
                self._produce(number, elapsed)
                number += 1
            self._producer.poll(0)
            self._stop.wait(0.02)
        left = self._producer.flush(FLUSH_SECONDS_MAX)
        if left:
            self.failures.append(f"{left} records were not taken")

    def _produce(self, number: int, elapsed: float) -> None:
        fault: Fault | None = None
        severity = ""
        if self._random.random() < self._anomalous:
            share = min(1.0, elapsed / self._joining_seconds)
            joined = max(1, round(len(self._faults) * share))
            # The newest most often: what joins last is to be seen often enough, too.
            place = max(self._random.randrange(joined), self._random.randrange(joined))
            fault = self._faults[place]
            if (
                fault.later
                and elapsed > self._joining_seconds * (place + 1) / len(self._faults) + 30
            ):
                severity = fault.later

        def delivered(error: Any, _: Message) -> None:
            if error is not None:
                self.failures.append(error.str())
                return
            self.records += 1
            if fault is not None:
                self.truth[fault] += 1

        while True:
            try:
                self._producer.produce(
                    self._topic, record(fault, number, severity), on_delivery=delivered
                )
                return
            except BufferError:
                self._producer.poll(0.1)
