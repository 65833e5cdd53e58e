"""Quix Streams' dataframe, JSON in; in an environment of its own, as it pins what we need newer."""

from __future__ import annotations

import sys

from pace import Pace
from quixstreams import Application


def main(address: str, topic: str, total: int) -> None:
    app = Application(
        broker_address=address,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="ERROR",
    )
    pace = Pace(total)
    done = 0

    def count(_: object) -> None:
        nonlocal done
        done += 1
        if done % 100 == 0:
            pace.at(done)

    frame = app.dataframe(app.topic(topic, value_deserializer="json"))
    frame.update(count)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
