"""Faust as its documentation shows it: one event at a time, `orjson.loads`, no table."""

from __future__ import annotations

import sys

import faust
import orjson
from pace import Pace


def main(address: str, topic: str, total: int) -> None:
    app = faust.App(
        "bench-stock",
        broker=f"aiokafka://{address}",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )
    logs = app.topic(topic, value_type=bytes, value_serializer="raw", key_serializer="raw")
    pace = Pace(total)

    @app.agent(logs)
    async def read(stream) -> None:  # type: ignore[no-untyped-def]
        done = 0
        async for value in stream:
            orjson.loads(value)
            done += 1
            if done % 100 == 0:
                pace.at(done)

    app.Worker(loglevel="ERROR", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
