"""Faust apps with batches, durable tables, a watchdog and every setting chosen on purpose."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from faust import App
from faust.worker import Worker
from yarl import URL

from ticketing.config import Config
from ticketing.config.process import FAUST_WEB_PORT
from ticketing.engine import table_pages
from ticketing.engine.assignor import CompleteAssignor
from ticketing.engine.changelog import ChangelogReader
from ticketing.engine.commit_notes import CommitNotes
from ticketing.engine.deaths import Deaths
from ticketing.engine.departure import leave
from ticketing.engine.fence import Fence
from ticketing.engine.pulse import Described, undescribed
from ticketing.engine.recovery import DurableTables
from ticketing.engine.role_topics import RoleTopics
from ticketing.engine.row_index import RowIndex, never_open, on_its_own
from ticketing.engine.table import DurableTable
from ticketing.engine.transport import BatchTransport, FlowControl, scheduler_for
from ticketing.engine.watchdog import Watchdog
from ticketing.errors import Misconfigured
from ticketing.kafka.connection import Connection
from ticketing.kafka.watch import TopicWatch

HEARTBEATS_PER_SESSION = 10
"""Several may be late before the session ends; Kafka advises three or more."""
COMMIT_SECONDS = 1.0
"""Records that a killed process has handled and a next one reads again; a commit is a message."""
COMMIT_SECONDS_EMBEDDED = 0.2
"""A feed waits for commits there, as little may be unread (ticketing/kafka/feed.py)."""
PACKED_BYTES_MAX = 512 * 1024
"""Bytes of one produce request for a partition: few requests a batch, within Kafka's usual 1 MB."""
STREAM_BUFFER_BATCHES = 8
"""Batches waiting before an agent: enough to keep it busy; each holds up to a fetch in memory."""


class PlainWorker(Worker):
    """Faust's worker without its spinner, which writes escapes among the lines of the log."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spinner = None


class TicketingApp(App):
    """A Faust app with the parts that every role's app has."""

    embedded = False
    """True on the embedded broker."""
    pace_seconds = 0.0
    """The time between fetches of what is not urgent (ticketing/engine/pacing.py)."""
    watchdog: Watchdog
    fence: Fence
    deaths: Deaths
    notes: CommitNotes
    changelogs: ChangelogReader
    role_topics = RoleTopics()
    """The topics as they were verified before the app was built."""
    topic_watch: TopicWatch | None = None
    """Asks whether the topics are still those; None for the embedded broker, which ends with them."""
    described: Described = staticmethod(undescribed)
    """Adds to the pulses of the process what its role knows."""
    starting: Callable[[], None] | None = None
    """Called once, before any service of the app starts."""

    async def on_first_start(self) -> None:
        """Make the directories that the app needs."""
        if self.starting is not None:
            self.starting()
        await super().on_first_start()

    @cached_property
    def flow_control(self) -> FlowControl:
        """The switch that lets records through to the agents or holds them up."""
        return FlowControl(loop=self.loop)

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        # Faust would commit and restart the agent without the batch in hand.
        leave(f"{agent.name}: {type(exc).__name__}: {exc}")


def create_app(
    name: str,
    config: Config,
    *,
    batched: Iterable[str],
    brokers: str,
    partitions: int,
    web_port: int | None = None,
    pace_seconds: float = 0.0,
) -> TicketingApp:
    """An app that consumes `batched` topics a run at a time. `brokers` is "host:port,…".

    `pace_seconds` is the time between fetches of what is not urgent.
    """
    kafka = config.kafka
    connection = Connection.of(kafka, brokers)
    servers = [URL(f"aiokafka://{server}") for server in connection.brokers.split(",")]
    session = kafka.session_timeout
    data_dir = Path(config.data_dir) / name
    _make(data_dir)
    app = TicketingApp(
        name,
        broker=servers,
        broker_credentials=connection.faust(),
        broker_session_timeout=session,
        broker_request_timeout=max(session, 30.0),
        broker_heartbeat_interval=session / HEARTBEATS_PER_SESSION,
        broker_commit_interval=COMMIT_SECONDS_EMBEDDED if kafka.embedded else COMMIT_SECONDS,
        broker_commit_livelock_soft_timeout=300.0,
        PartitionAssignor=CompleteAssignor,
        TableManager=DurableTables,
        Worker=PlainWorker,
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
        # Faust requires a port even without a web server.
        web_port=web_port or FAUST_WEB_PORT,
        # Faust's own table pages can't look up keys of bytes; ticketing.engine.table_pages can.
        web_tables_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.embedded = kafka.embedded
    # The embedded broker keeps little unread, and what it costs is nobody's bill.
    app.pace_seconds = 0.0 if kafka.embedded else pace_seconds
    app.transport = BatchTransport(servers, app)
    table_pages.install(app)
    # Faust's default of 100 warns each time it fills; our agents drain the buffer after each batch.
    app.producer.buffer.max_messages = 100_000
    app.notes = CommitNotes()
    app.changelogs = ChangelogReader(connection.aiokafka())
    app.watchdog = Watchdog()
    app.fence = Fence(session)
    app.deaths = Deaths(data_dir / "under-way", lambda topic: app.role_topics.ids.get(topic, ""))
    return app


def create_table(
    app: TicketingApp,
    name: str,
    partitions: int,
    *,
    is_open: Callable[[bytes], bool] = never_open,
    owner: Callable[[bytes], str] = on_its_own,
) -> DurableTable:
    """A plain table of bytes to bytes, on RocksDB with a bounded cache, recovered by the app.

    `is_open`: True for an encoded state that may be unfinished and not due within the hour. `owner`:
    the key of the row that an encoded state belongs to, "" for none.
    """
    table = DurableTable(
        app,
        name=name,
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        options={"driver": "rocksdict"},
        index=RowIndex(is_open, owner),
    )
    # Faust recovers only the tables that the app knows.
    app.tables.add(table)
    return table


def _make(directory: Path) -> None:
    """Create the directory of an app's tables; raises Misconfigured where that is refused."""
    try:
        # Faust creates the last directory of the path only.
        directory.mkdir(parents=True, exist_ok=True)
        # Earlier releases left it to the umask, which lets others read as a rule.
        directory.chmod(0o700)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise Misconfigured(
            f"dataDir: {directory} can't be written ({error.strerror}): free space there, or let the"
            " user of this process read and write it, or set dataDir to another directory"
        ) from None


def _instance_id(prefix: str | None, name: str) -> str | None:
    return None if prefix is None else f"{prefix}-{name}"
