"""Faust apps inside a test: a batched topic, an agent that remembers what it was given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ticketing.config import Config, load
from ticketing.engine.agent import BatchAgent, add_agent
from ticketing.engine.app import TicketingApp, create_app

STOPS_IN_REBALANCES = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]
"""For tests whose apps are stopped in the middle of a rebalance: Faust's consumer thread may then
fail in aiokafka's `close` and leave connections open. A worker's process ends with it."""


class Seen(BatchAgent):
    """Remembers every record, run by run, each with its partition."""

    name = "seen"

    def __init__(self, app: TicketingApp) -> None:
        super().__init__(app, app.watchdog, app.fence)
        self.runs: list[tuple[int, list[Any]]] = []

    async def handle(self, records: list[Any], event: Any) -> None:
        """Remember."""
        self.runs.append((event.message.partition, records))

    @property
    def records(self) -> list[Any]:
        """All records in the order in which they came."""
        return [record for _, run in self.runs for record in run]

    @property
    def values(self) -> list[bytes]:
        """Their values."""
        return [record.value for record in self.records]

    def offsets(self, partition: int) -> list[int]:
        """The offsets of one partition in the order in which they came."""
        return [one.offset for number, run in self.runs if number == partition for one in run]


def config_for(tmp_path: Path, address: str, **more: Any) -> Config:
    """A configuration against a broker, from camelCase settings."""
    import json

    kafka = {"brokers": address, "sessionTimeout": "10s", **more.pop("kafka", {})}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"dataDir": str(tmp_path), "kafka": kafka, **more}))
    return load(path, {})


def app_for(name: str, topic: str, config: Config, *, partitions: int = 1) -> TicketingApp:
    """An app of group `name` that reads `topic` in runs; put an agent on it before it starts."""
    return create_app(
        name, config, batched=[topic], brokers=config.kafka.brokers, partitions=partitions
    )


@asynccontextmanager
async def running(app: TicketingApp) -> AsyncIterator[None]:
    """The app runs in this event loop until the block ends."""
    await app.start()
    try:
        yield
    finally:
        await app.stop()


@asynccontextmanager
async def seen_by(
    name: str, topic: str, config: Config, kind: type[Seen] = Seen
) -> AsyncIterator[Seen]:
    """An agent that remembers, running."""
    app = app_for(name, topic, config)
    agent = kind(app)
    add_agent(app, agent, topic)
    async with running(app):
        yield agent
