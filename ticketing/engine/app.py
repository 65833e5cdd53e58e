"""Faust apps as we need them: batched, durable, watched, and with every setting on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from faust import App
from yarl import URL

from ticketing.config import Config
from ticketing.config.process import FAUST_WEB_PORT
from ticketing.engine import table_pages
from ticketing.engine.fence import Fence
from ticketing.engine.recovery import DurableTables
from ticketing.engine.table import DurableTable
from ticketing.engine.transport import BatchTransport, FlowControl, scheduler_for
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.kafka.connection import Connection

HEARTBEATS_PER_SESSION = 10
PACKED_BYTES_MAX = 512 * 1024
"""How much of a batch's sends goes into one produce request for a partition."""
STREAM_BUFFER_BATCHES = 8
"""Batches that wait before an agent; each holds up to a fetch in memory."""


class TicketingApp(App):
    """A Faust app with the parts that every one of ours has."""

    watchdog: Watchdog
    fence: Fence
    starting: Callable[[], None] | None = None
    """Called once, before anything of the app starts."""

    async def on_first_start(self) -> None:
        """Make the directories that the app needs."""
        if self.starting is not None:
            self.starting()
        await super().on_first_start()

    @cached_property
    def flow_control(self) -> FlowControl:
        """What lets records through to the agents, or holds them up."""
        return FlowControl(loop=self.loop)

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        # Faust would commit and start the agent again without the batch that it had.
        leave(f"{agent.name}: {type(exc).__name__}: {exc}")


def create_app(
    name: str,
    config: Config,
    *,
    batched: Iterable[str],
    brokers: str,
    partitions: int,
    web_port: int | None = None,
) -> TicketingApp:
    """An app that consumes `batched` topics a run at a time. `brokers` is "host:port,…"."""
    kafka = config.kafka
    connection = Connection.of(kafka, brokers)
    servers = [URL(f"aiokafka://{server}") for server in connection.brokers.split(",")]
    session = kafka.session_timeout
    data_dir = Path(config.data_dir) / name
    # Faust makes the last directory only.
    data_dir.mkdir(parents=True, exist_ok=True)
    app = TicketingApp(
        name,
        broker=servers,
        broker_credentials=connection.faust(),
        broker_session_timeout=session,
        broker_request_timeout=max(session, 30.0),
        broker_heartbeat_interval=session / HEARTBEATS_PER_SESSION,
        broker_commit_interval=1.0,
        broker_commit_livelock_soft_timeout=300.0,
        TableManager=DurableTables,
        ConsumerScheduler=scheduler_for(frozenset(batched)),
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=_instance_id(kafka.group_instance_id, name),
        consumer_max_fetch_size=kafka.message_max_bytes,
        datadir=data_dir,
        key_serializer="raw",
        value_serializer="raw",
        logging_config={"version": 1, "disable_existing_loggers": False},
        producer_max_request_size=kafka.message_max_bytes,
        producer_max_batch_size=min(PACKED_BYTES_MAX, kafka.message_max_bytes // 2),
        producer_acks=-1,
        store="rocksdb://",
        stream_buffer_maxsize=STREAM_BUFFER_BATCHES,
        stream_wait_empty=True,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=partitions,
        web_enabled=web_port is not None,
        web_bind=config.faust_web.host,
        web_host=config.faust_web.host,
        # Faust wants a port even where it does not listen.
        web_port=web_port or FAUST_WEB_PORT,
        # Faust's own pages of tables know no keys of bytes: ticketing.engine.table_pages does.
        web_tables_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.transport = BatchTransport(servers, app)
    app.web.blueprints.add("/table", table_pages.blueprint)
    # Faust's buffer of one hundred warns at each fill; ours is drained batch by batch anyway.
    app.producer.buffer.max_messages = 100_000
    app.watchdog = Watchdog()
    app.fence = Fence(session)
    return app


def create_table(app: TicketingApp, name: str, partitions: int) -> DurableTable:
    """A plain table of bytes to bytes, on RocksDB with a bounded cache, recovered by the app."""
    table = DurableTable(
        app,
        name=name,
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        options={"driver": "rocksdict"},
    )
    # Only what the app knows of is read back from its changelog.
    app.tables.add(table)
    return table


def _instance_id(prefix: str | None, name: str) -> str | None:
    return None if prefix is None else f"{prefix}-{name}"
