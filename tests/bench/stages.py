"""The two keyed machines alone, without Kafka and RocksDB: messages in, rows and messages out.

`python tests/bench/stages.py [--profile alerts|incidents]` prints the speeds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import orjson  # noqa: E402  (the path must be set first)
from bench.life import document  # noqa: E402
from support.configured import detector_for  # noqa: E402
from support.partition import MemoryPartition  # noqa: E402
from support.pipeline import INPUT, machines, settings  # noqa: E402
from support.records import Record  # noqa: E402

from tables.incidents import alert_key  # noqa: E402
from ticketing.domain.signals import Origin  # noqa: E402
from ticketing.wire import topics  # noqa: E402
from ticketing.wire.events import decode_events, encode_events  # noqa: E402
from ticketing.wire.signals import encode_signals  # noqa: E402
from ticketing.worker import freeze_garbage_collector  # noqa: E402

AIM = 5_000
"""Events a second on a core."""
ALERTS, SERVICES = 10_000, 500
RUN = 500
"""Records of a run of detection."""
BATCH = 20
"""Messages of a batch."""
ROUNDS = 20
"""Runs over the same faults, in which alerts count and do not open."""
STORM_SECONDS, STORM_STEP_SECONDS = 10.0, 0.1
START_MS = 1_800_000_000_000


@dataclass
class Stage:
    """A measured stage: `bodies` went in, within `seconds`; `bare` is the time to read and write
    as many bytes as JSON."""

    name: str
    bodies: int
    seconds: float
    bare: float

    def line(self) -> str:
        """A row of the table."""
        rate = self.bodies / self.seconds
        return (
            f"| {self.name} | {self.bodies:,} | {rate:,.0f} | {rate / AIM:.2f} |"
            f" {self.bare / self.seconds:.2f} |"
        )


def logs(faults: int, services: int, seed: int = 1) -> Iterator[bytes]:
    """One record of each of so many faults."""
    rng = random.Random(seed)
    letters = "bcdfghklmnprstvz"
    words = [a + b + c for a in letters for b in "aeiou" for c in letters]
    for number in range(faults):
        service, word = f"service-{number % services}", words[number // services]
        yield document(service, f"the {word} store is lost after {rng.randrange(999)} ms", 0.99)


def signals(rounds: int, faults: int, services: int, run: int = RUN) -> list[bytes]:
    """Messages of detection."""
    detector = detector_for({INPUT: "id"})
    found = []
    offset = 0
    for _ in range(rounds):
        lines = list(logs(faults, services))
        for start in range(0, len(lines), run):
            part = lines[start : start + run]
            records = [Record(v, offset + n, START_MS + offset + n) for n, v in enumerate(part)]
            detected = detector.detect(INPUT, 0, records)
            origin = Origin(topic=INPUT, partition=0, since="id:0", through=offset + len(part) - 1)
            found.append(encode_signals([origin, *detected.signals]))
            offset += len(part)
    return found


def timed(
    partition: MemoryPartition, messages: list[bytes], first: int = 0
) -> tuple[float, list[Any]]:
    """Seconds to fold messages in batches, rows encoded; and everything sent.

    `first` is the number of the first message in the storm.
    """
    sent: list[Any] = []
    began = time.process_time()
    for start in range(0, len(messages), BATCH):
        part = messages[start : start + BATCH]
        now = START_MS + (first + start) * 50
        records = [Record(value, first + start + n, now) for n, value in enumerate(part)]
        sent += partition.fold(records)
    return time.process_time() - began, sent


def bare(messages: list[bytes]) -> float:
    """Seconds to read and write messages."""
    began = time.process_time()
    for message in messages:
        orjson.dumps(orjson.loads(message))
    return time.process_time() - began


def measure(rounds: int, faults: int, services: int, what: str) -> list[Stage]:
    """Both stages over the same records."""
    alerts, incidents = machines(settings(**CHOSEN), [INPUT], 1)
    messages = signals(rounds, faults, services)
    took, sent = timed(MemoryPartition(alerts()), messages)
    events = [value for topic, _, value, _ in sent if topic == topics.EVENTS]
    bodies = [body for value in events for body in decode_events(value)]
    found = [Stage(f"alerts, {what}", rounds * faults, took, bare(messages))]
    # As few a message as the writer of alerts may send in a calm hour, too.
    alone = [encode_events([body]) for body in bodies]
    for name, packed in (("packed", events), ("alone", alone)):
        took, _ = timed(MemoryPartition(incidents()), packed)
        found.append(Stage(f"incidents, {what}, {name}", len(bodies), took, bare(packed)))
    return found


CHOSEN = {"storm": {"maxPatternsPerService": 0}}


def report() -> str:
    """The table."""
    stages = [
        *measure(1, ALERTS, SERVICES, "new"),
        *measure(ROUNDS, 200, 40, "counting"),
    ]
    head = [
        f"| stage | events | a second | of the {AIM:,} aimed at | of bare JSON |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    table = "\n".join([*head, *(stage.line() for stage in stages)])
    return (
        "## The two stages alone\n\n"
        "Messages in, rows and messages out, without Kafka and RocksDB, on one core.\n\n"
        f"{table}\n\n"
        f"{ALERTS:,} new alerts of one scope over {SERVICES} services within {STORM_SECONDS:.0f} s:"
        f" each is in an incident {placing():.2f} s later at most, both stages on one core (promised:"
        " 2 s)."
    )


def placing() -> float:
    """Seconds until a new alert is placed, at most, as they come at a steady rate in a storm."""
    alerts, incidents = (
        MemoryPartition(make()) for make in machines(settings(**CHOSEN), [INPUT], 1)
    )
    # In runs as long as those of a step: the rate is that of the storm.
    messages = signals(1, ALERTS, SERVICES, run=int(ALERTS * STORM_STEP_SECONDS / STORM_SECONDS))
    free_at = latest = 0.0
    for number, message in enumerate(messages):
        arrived = number * STORM_STEP_SECONDS
        took, sent = timed(alerts, [message], number)
        events = [value for topic, _, value, _ in sent if topic == topics.EVENTS]
        took += timed(incidents, events, number)[0]
        free_at = max(free_at, arrived) + took
        latest = max(latest, free_at - arrived)
    placed = sum(key.startswith(alert_key("")) for key in incidents.table.rows)
    assert placed == ALERTS, f"only {placed} alerts are placed"
    return latest


def main() -> None:
    """Print the table, or a profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    # As a worker does: else every third second goes to the search for cycles.
    freeze_garbage_collector()
    work: Callable[[], str] = report
    if not asked.profile:
        print(work())
        return
    profile = cProfile.Profile()
    print(profile.runcall(work))
    pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main()
