"""The summaries agent: hands changed incidents to the summarizer; the stream never waits."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from faust.types import EventT

from agents.past_incidents import PastIncidents
from ticketing.domain.events import Summary
from ticketing.domain.intake import admitted
from ticketing.domain.summaries.similar import Memory
from ticketing.engine.agent import BatchAgent
from ticketing.engine.app import TicketingApp
from ticketing.engine.fence import Fence
from ticketing.engine.watchdog import Watchdog, leave
from ticketing.kafka.runtime import Runtime
from ticketing.llm.summarizer import Summarizer
from ticketing.wire.incidents import read_incident
from ticketing.wire.signals import encode_signals
from ticketing.wire.topics import SIGNALS, signals_partition_of

log = structlog.get_logger(__name__)


class SummariesAgent(BatchAgent):
    """Reads ticketing-incidents; a record is handled once the summarizer has noted the incident.

    Summaries are advisory: an incident noted and not asked about yet is lost with the process, and
    noted again with its next publication.
    """

    name = "summaries"

    def __init__(self, app: Any, watchdog: Watchdog, fence: Fence, summarizer: Summarizer) -> None:
        super().__init__(app, watchdog, fence)
        self._summarizer = summarizer

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Note the last snapshot of each incident."""
        latest = {record.key: record.value for record in records}
        for key, value in latest.items():
            if value is None:
                continue
            try:
                self._summarizer.note(read_incident(value))
            except msgspec.MsgspecError as error:
                # Written by this job, perhaps by a newer release: the ticket keeps the rules' summary.
                log.error("undecodable_incident", incident=str(key), why=str(error))


def partition_of(incident_id: str) -> int:
    """The partition of the signals that an incident's id names; -1 for a text that is no id."""
    try:
        return signals_partition_of(incident_id)
    except ValueError:
        return -1


def add_summaries(app: TicketingApp, runtime: Runtime) -> SummariesAgent:
    """Add the summarizer to an app: its task, and the sending of summaries to the writer."""

    async def send(summary: Summary) -> None:
        app.fence.check()
        partition = partition_of(summary.incident_id)
        if not 0 <= partition < runtime.partitions:
            # Of elsewhere: to send it to a partition that is not there would never end.
            log.error("unaddressed_summary", incident=summary.incident_id)
            return
        try:
            sent = await app.producer.send(
                SIGNALS,
                summary.incident_id.encode(),
                encode_signals([admitted(summary)]),
                partition,
                None,
                None,
            )
            await sent
        except Exception as error:  # noqa: BLE001
            # Any error of Kafka's client means that Kafka can't be written to.
            app.deaths.pause_all()
            leave(f"a summary could not be produced: {type(error).__name__}")

    memory = Memory()
    summarizer = Summarizer.of(runtime.config, send, memory)
    app.task(summarizer.run)
    app.task(PastIncidents(runtime, memory).run)
    return SummariesAgent(app, app.watchdog, app.fence, summarizer)
