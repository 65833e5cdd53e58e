"""`make bench`: every side in one run, ratios printed and drawn, the result kept in docs/benchmarks.md.

Two cores shared with the broker are noisy: only ratios of sides that ran in turns mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT)]

from bench import burst, busy, life, logs, stages  # noqa: E402
from bench.side import rate_of  # noqa: E402
from confluent_kafka import KafkaException  # noqa: E402
from rich.console import Console  # noqa: E402  (the path must be set first)
from rich.progress import track  # noqa: E402
from support.kafka import Kafka, launch  # noqa: E402
from support.waiting import wait_for  # noqa: E402

from ticketing.worker import freeze_garbage_collector  # noqa: E402

REPORT = ROOT / "docs" / "benchmarks.md"
QUIX_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PARTITIONS = 4
GROUP_SECONDS_MAX = 120
BAR = 40
say = Console(stderr=True).print


@dataclass
class Side:
    """One side of the comparison: what it is called, what it reads, how it is run."""

    name: str
    topic: str
    run: Callable[[], float]
    goal: float | None = None
    """Lowest ratio to the bare loop that is promised."""
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of its rounds, in records a second."""
        return statistics.median(self.rates)


class Bench:
    """A broker with the bench's topics, and the ways to run a side on it."""

    def __init__(self, kafka: Kafka, records: int, slow_records: int) -> None:
        self.kafka = kafka
        self.records = records
        self.slow_records = slow_records
        self.anomalies: dict[str, int] = {}

    def fill(self) -> None:
        """Produce the input once; every side reads the same."""
        for kind in ("normal", "repeat", "distinct"):
            made = list(
                track(
                    logs.logs(self.records, kind), kind, self.records, console=Console(stderr=True)
                )
            )
            self.anomalies[kind] = self.records if kind != "normal" else sum(map(_anomalous, made))
            self.kafka.create(f"bench-{kind}", PARTITIONS, message_timestamp_type="CreateTime")
            self.kafka.produce(f"bench-{kind}", made)

    def sides(self) -> list[Side]:
        """All sides, in the order of a round."""
        python, total = sys.executable, self.records
        off = {"TICKETING_TRACES__ENABLED": "false"}
        return [
            Side(
                "aiokafka + orjson, the bare loop",
                "normal",
                lambda: self.measure(python, "bare.py", "bench-normal", total),
            ),
            Side("pipeline, 4% anomalies", "normal", lambda: self.ours("normal", off), 1.0),
            Side("pipeline, 4% anomalies, traces", "normal", lambda: self.ours("normal", {}), 0.6),
            Side(
                "pipeline, all anomalous, repeating",
                "repeat",
                lambda: self.ours("repeat", off),
                0.5,
            ),
            Side(
                "pipeline, all anomalous, distinct", "distinct", lambda: self.ours("distinct", off)
            ),
            Side(
                "stock Faust, async for",
                "normal",
                lambda: self.measure(python, "stock_faust.py", "bench-normal", self.slow_records),
            ),
            Side(
                "Quix Streams, dataframe",
                "normal",
                lambda: self.measure(
                    str(QUIX_PYTHON), "quix.py", "bench-normal", self.slow_records * 5
                ),
            ),
        ]

    def measure(self, python: str, script: str, topic: str, total: int) -> float:
        """Run another's side."""
        return rate_of([python, str(HERE / script), self.kafka.address, topic, str(total)], {})

    def ours(self, kind: str, environ: dict[str, str]) -> float:
        """Run our pipeline, from nothing."""
        self.forget()
        with tempfile.TemporaryDirectory(prefix="ticketing-bench-") as directory:
            given = {
                "TICKETING_KAFKA__BROKERS": self.kafka.address,
                "TICKETING_KAFKA__PARTITIONS": str(PARTITIONS),
                "TICKETING_INPUT__TOPICS": json.dumps([f"bench-{kind}"]),
                "TICKETING_DATA_DIR": directory,
                "TICKETING_KAFKA__SESSION_TIMEOUT": "6s",
                "TICKETING_LOG__LEVEL": "error",
                "TICKETING_FAUST_WEB__ENABLED": "false",
                **environ,
            }
            command = [sys.executable, str(HERE / "ours.py"), str(self.records)]
            return rate_of([*command, str(self.anomalies[kind])], given)

    def forget(self) -> None:
        """Delete what a run of ours has left on the broker."""
        self.kafka.delete(*(name for name in self.kafka.topics() if name.startswith("ticketing")))
        wait_for(self._without_groups, "the end of the groups", GROUP_SECONDS_MAX)

    def _without_groups(self) -> bool:
        """Delete our groups; those whose members have not been missed yet can't be."""
        admin = self.kafka.admin
        groups = [group.group_id for group in admin.list_consumer_groups().result(30).valid]
        ours = [name for name in groups if name.startswith("ticketing")]
        if not ours:
            return True
        with suppress(KafkaException):
            for future in admin.delete_consumer_groups(ours).values():
                future.result(30)
        return False


def _anomalous(log: bytes) -> bool:
    return b'"level":"ERROR"' in log


def table(sides: Iterable[Side]) -> str:
    """The comparison as a table of Markdown, with a bar for each ratio."""
    sides = list(sides)
    bare = sides[0].rate
    rows = ["| side | ratio to the bare loop | | promised |", "| --- | ---: | --- | ---: |"]
    for side in sides:
        ratio = side.rate / bare
        bar = "█" * max(1, round(ratio * BAR / 2))
        promised = "" if side.goal is None else f"{side.goal:.1f}"
        rows.append(f"| {side.name} | {ratio:.2f} | {bar} | {promised} |")
    return "\n".join(rows)


def main() -> None:
    """Run what was asked for and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="logs a side reads")
    parser.add_argument("--rounds", type=int, default=3, help="turns of all sides")
    parser.add_argument(
        "--stored", type=int, default=1_000_000, help="incidents of the large table"
    )
    parser.add_argument(
        "--only", choices=["speed", "life", "busy", "burst", "stages"], help="one part of it"
    )
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/benchmarks.md")
    asked = parser.parse_args()
    parts = [_head(asked)]
    if asked.only in (None, "stages"):
        freeze_garbage_collector()
        parts.append(stages.report())
    if asked.only != "stages":
        parts += _on_kafka(asked)
    text = "\n\n".join(parts) + "\n"
    print(text)
    if not asked.dry_run:
        REPORT.write_text(text)


def _on_kafka(asked: argparse.Namespace) -> list[str]:
    """The parts for which a broker is started."""
    parts = []
    kafka = launch()
    try:
        if asked.only in (None, "speed"):
            parts.append(_speed(kafka, asked))
        if asked.only in (None, "life"):
            parts.append(life.report(kafka, asked.stored, say))
        if asked.only in (None, "busy"):
            parts.append(busy.report(kafka))
        if asked.only in (None, "burst"):
            parts.append(burst.report(kafka))
    finally:
        kafka.close()
    return parts


def _head(asked: argparse.Namespace) -> str:
    return (
        "# Benchmarks\n\n"
        f"Written by `make bench` on {date.today().isoformat()}: {os.cpu_count()} cores, Python"
        f" {platform.python_version()}, Apache Kafka on the same machine,"
        f" {asked.records:,} logs of about 450 bytes in {PARTITIONS} partitions, median of"
        f" {asked.rounds} rounds in turns, the first tenth of each run left out as warming up.\n"
        "Absolute numbers say little about another machine; the ratios do."
    )


def _speed(kafka: Kafka, asked: argparse.Namespace) -> str:
    bench = Bench(kafka, asked.records, asked.records // 20)
    bench.fill()
    sides = bench.sides()
    for turn in range(asked.rounds):
        for side in sides:
            rate = side.run()
            side.rates.append(rate)
            say(f"round {turn + 1}  {side.name:<38} {rate:>12,.0f} records/s")
    bench.forget()
    return f"## Speed\n\nThe bare loop did {sides[0].rate:,.0f} records/s here.\n\n{table(sides)}"


if __name__ == "__main__":
    main()
