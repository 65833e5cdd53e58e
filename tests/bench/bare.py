"""The yardstick: aiokafka's `getmany` and `orjson.loads`, and nothing else."""

from __future__ import annotations

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer
from pace import Pace

FETCH_BYTES_MAX = 1024 * 1024


async def main(address: str, topic: str, total: int) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        group_id=None,
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
    )
    await consumer.start()
    pace = Pace(total)
    done = 0
    while True:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                orjson.loads(record.value)
            done += len(records)
        pace.at(done)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
