"""`python tests/bench/readback.py`: how fast a table is read back, against a reader record by record.

Both read the same changelog of 100,000 rows of half a kilobyte in turns; the ratio is printed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from aiokafka import AIOKafkaConsumer  # noqa: E402  (the path must be set first)
from faust.types import TP  # noqa: E402
from integration.test_changelogs import ROW, Owner  # noqa: E402
from support.kafka import Kafka, launch  # noqa: E402

ROWS, PARTITIONS, ROUNDS = 100_000, 4, 3
TOPIC = "readback-changelog"


async def filled(kafka: Kafka, directory: Path) -> dict[int, int]:
    """Write the rows in batches; returns the ends of the partitions."""
    owner = Owner(kafka, TOPIC, directory)
    await owner.client.start()
    for partition in range(PARTITIONS):
        await owner.claim(partition, 1)
        for start in range(0, ROWS // PARTITIONS, 1_000):
            rows: Any = [(b"key-%d" % n, ROW % n) for n in range(start, start + 1_000)]
            await owner.write(partition, rows)
    await owner.client.stop()
    return kafka.ends(TOPIC)


async def ours(kafka: Kafka, ends: dict[int, int], directory: Path) -> float:
    """Seconds of our reader, with the writes to RocksDB."""
    owner = Owner(kafka, TOPIC, directory)
    began = time.perf_counter()
    await owner.read_back(*(ends[number] for number in range(PARTITIONS)))
    return time.perf_counter() - began


async def one_by_one(kafka: Kafka, ends: dict[int, int], directory: Path) -> float:
    """Seconds of a consumer with the client's own settings that puts a record at a time."""
    owner = Owner(kafka, TOPIC, directory)
    began = time.perf_counter()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TP(TOPIC, number) for number in ends])
    left = sum(ends.values())
    while left:
        record = await consumer.getone()
        owner.disk(record.partition).put(record.key, record.value or b"")
        left -= 1
    await consumer.stop()
    return time.perf_counter() - began


async def compare() -> None:
    """Read in turns and print the medians."""
    kafka = launch()
    try:
        kafka.create(TOPIC, PARTITIONS, cleanup_policy="compact", max_message_bytes=8 * 1024**2)
        with tempfile.TemporaryDirectory() as place:
            ends = await filled(kafka, Path(place) / "writer")
            seconds: dict[str, list[float]] = {"ours": [], "one by one": []}
            for number in range(ROUNDS):
                for name, side in (("ours", ours), ("one by one", one_by_one)):
                    took = await side(kafka, ends, Path(place) / f"{name} {number}")
                    seconds[name].append(took)
            for name, found in seconds.items():
                print(f"{name}: {statistics.median(found):.1f} s for {ROWS} rows")
            ratio = statistics.median(seconds["one by one"]) / statistics.median(seconds["ours"])
            print(f"{ratio:.1f} times as fast")
    finally:
        kafka.stop()


if __name__ == "__main__":
    asyncio.run(compare())
