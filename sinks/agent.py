"""The sink agent: fans a published incident out to the topics of the platforms it is routed to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog
from faust.types import TP, EventT

from sinks.delivery.wishes import encode_wish, wish_key
from sinks.router import platforms_for
from sinks.text import shown_fields
from ticketing import metrics
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.scope import partition_of_incident
from ticketing.engine.agent import BatchAgent, send_dead_letters
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import UNDECODABLE, Failure, guarded
from ticketing.engine.outbox import Outbox
from ticketing.engine.watchdog import Watchdog
from ticketing.log import about_the_process
from ticketing.telemetry.spans import Spans, processing
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of
from ticketing.wire.incidents import read_incident
from ticketing.wire.topics import platform_topic


class Routed(msgspec.Struct):
    """The fields of an incident that decide its routing; all others are passed on as they are."""

    ticketed: bool = False
    routes: list[str] = []


_routed = msgspec.json.Decoder(Routed)

COUNT_SECONDS = 300.0
"""The time between wishes for a count alone: as often as a ticket shows one (`Traits`)."""
KNOWN_MAX = 20_000
"""Wishes remembered, 10 MB at most: more than are open at once; a forgotten one is sent again."""
NAMES_TOLD_MAX = 100
"""Names told once each: more than there are platforms; bounds what foreign records could add."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """A message for a platform's topic; without a value it ends the wish.

    `sent` is what to remember of it, None for what can't be known.
    """

    platform: str
    incident_id: str
    partition: int
    value: bytes | None
    sent: Sent | None


@dataclass(frozen=True, slots=True)
class Sent:
    """The latest wish for one ticket: its hash, its count, and the time of its snapshot."""

    wished: bytes
    count: int
    at: float


class SentWishes:
    """The wishes that one owner of a partition has sent: those that change nothing are left out.

    A wish that is not known is sent. Another owner's wishes are not known.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._sent: dict[tuple[str, str], Sent] = {}

    def news(self, platform: str, incident: Incident) -> Sent | None:
        """The wish for a platform, or None if its ticket would not change."""
        wished = shown_fields.wished(incident, platform)
        fresh = Sent(wished, incident.count, incident.updated_at)
        known = self._sent.get((platform, incident.id))
        if known is None or known.wished != wished:
            return fresh
        counted = fresh.count != known.count and fresh.at >= known.at + COUNT_SECONDS
        return fresh if counted else None

    def keep(self, platform: str, incident_id: str, sent: Sent) -> None:
        """Remember a wish that Kafka has."""
        self._sent.pop((platform, incident_id), None)
        while len(self._sent) >= KNOWN_MAX:
            del self._sent[next(iter(self._sent))]
        self._sent[platform, incident_id] = sent

    def forget(self, platform: str, incident_id: str) -> None:
        """Forget a ticket."""
        self._sent.pop((platform, incident_id), None)


class SinkAgent(BatchAgent):
    """Reads ticketing-incidents and passes on the last snapshot of each incident in a batch."""

    name = "sinks"

    def __init__(
        self,
        app: Any,
        watchdog: Watchdog,
        fence: Fence,
        platforms: Iterable[str],
        *,
        partitions: int,
    ) -> None:
        """`platforms` are those that are enabled, no other is written to; `partitions` is of each
        of their topics."""
        super().__init__(app, watchdog, fence)
        self._platforms = frozenset(platforms)
        self._partitions = partitions
        self._sent: dict[TP, SentWishes] = {}
        self._told: set[str] = set()

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Produce the wanted state to each platform's topic, and the end of what is forgotten."""
        tp = event.message.tp
        with processing(self.name, tp.topic, tp.partition, records) as spans:
            await self._handle(records, event, spans)

    async def _handle(self, records: list[Any], event: EventT, spans: Spans) -> None:
        tp = event.message.tp
        sent = self._sent.get(tp)
        if sent is None or sent.generation != event.message.generation_id:
            sent = self._sent[tp] = SentWishes(event.message.generation_id)
        latest = {record.key: record for record in records}
        outbox = Outbox(self.app)
        letters: list[DeadLetter] = []
        kept: list[tuple[str, str, Sent]] = []
        for key, record in latest.items():
            wishes = guarded(partial(self._wishes, sent, key, record.value))
            if isinstance(wishes, Failure):
                # A record that another producer wrote must not stop ours.
                letters.append(
                    dead_letter_of(
                        tp.topic,
                        tp.partition,
                        record,
                        stage=self.name,
                        reason=UNDECODABLE,
                        detail=wishes.detail,
                    )
                )
                continue
            for wish in wishes:
                name = wish_key(wish.incident_id).encode()
                await outbox.send(
                    platform_topic(wish.platform),
                    name,
                    wish.value,
                    wish.partition,
                    context=spans.of(record.offset),
                )
                if wish.sent is not None:
                    kept.append((wish.platform, wish.incident_id, wish.sent))
                else:
                    sent.forget(wish.platform, wish.incident_id)
        await send_dead_letters(outbox, letters)
        await outbox.settle()
        for platform, incident_id, one in kept:
            sent.keep(platform, incident_id, one)

    def _wishes(self, sent: SentWishes, key: bytes, value: bytes | None) -> list[Wish]:
        """The messages that one record leads to."""
        incident_id = key.decode()
        partition = partition_of_incident(incident_id, self._partitions)
        if value is None:
            return [Wish(name, incident_id, partition, None, None) for name in self._platforms]
        wanted, left_out = platforms_for(_routed.decode(value), self._platforms)
        self._tell(left_out)
        incident = guarded(partial(read_incident, value)) if wanted else None
        found: list[Wish] = []
        for platform in wanted:
            news = sent.news(platform, incident) if isinstance(incident, Incident) else None
            if news is not None or not isinstance(incident, Incident):
                found.append(Wish(platform, incident_id, partition, encode_wish(value), news))
            else:
                metrics.wishes_unchanged_total.labels(platform).inc()
        return found

    def _tell(self, left_out: list[str]) -> None:
        """Count what is not sent, and say so once a platform."""
        for platform in left_out:
            metrics.wishes_left_out_total.inc()
            if platform not in self._told and len(self._told) < NAMES_TOLD_MAX:
                self._told.add(platform)
                with about_the_process():
                    log.warning(
                        "platform_not_enabled",
                        platform=platform,
                        effect="its tickets are not updated any more",
                        fix=f"resolve them by hand, or set {platform}.enabled",
                    )
