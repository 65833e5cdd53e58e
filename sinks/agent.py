"""The sink agent: fans a published incident out to the topics of the platforms it is routed to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
import structlog
from faust.types import EventT

from sinks.delivery.wishes import encode_wish
from sinks.router import platforms_for
from ticketing import metrics
from ticketing.engine.agent import BatchAgent, send_dead_letters
from ticketing.engine.fence import Fence
from ticketing.engine.guarded import UNDECODABLE, Failure, guarded
from ticketing.engine.outbox import Outbox
from ticketing.engine.watchdog import Watchdog
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of
from ticketing.wire.topics import platform_topic


class Routed(msgspec.Struct):
    """The fields of an incident that decide its routing; the others are passed on undecoded."""

    ticketed: bool = False
    routes: list[str] = []


_routed = msgspec.json.Decoder(Routed)

NAMES_TOLD_MAX = 100
"""Names told once each: more than there are platforms; bounds what foreign records could add."""

log = structlog.get_logger(__name__)


class SinkAgent(BatchAgent):
    """Reads ticketing-incidents and passes on the last snapshot of each incident in a batch."""

    name = "sinks"

    def __init__(
        self, app: Any, watchdog: Watchdog, fence: Fence, platforms: Iterable[str]
    ) -> None:
        """`platforms` are those that are enabled: no other is written to."""
        super().__init__(app, watchdog, fence)
        self._platforms = frozenset(platforms)
        self._told: set[str] = set()

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Produce the desired state to each platform's topic, keyed by incident."""
        latest = {record.key: record for record in records if record.value is not None}
        outbox = Outbox(self.app)
        letters: list[DeadLetter] = []
        for key, record in latest.items():
            routed = guarded(partial(_routed.decode, record.value))
            if isinstance(routed, Failure):
                # A record that another producer wrote must not stop ours.
                tp = event.message.tp
                letters.append(
                    dead_letter_of(
                        tp.topic,
                        tp.partition,
                        record,
                        stage=self.name,
                        reason=UNDECODABLE,
                        detail=routed.detail,
                    )
                )
                continue
            wanted, left_out = platforms_for(routed, self._platforms)
            self._tell(left_out)
            for platform in wanted:
                await outbox.send(platform_topic(platform), key, encode_wish(record.value))
        await send_dead_letters(outbox, letters)
        await outbox.settle()

    def _tell(self, left_out: list[str]) -> None:
        """Count what is not sent, and say so once a platform."""
        for platform in left_out:
            metrics.wishes_left_out_total.inc()
            if platform not in self._told and len(self._told) < NAMES_TOLD_MAX:
                self._told.add(platform)
                log.warning(
                    "platform_not_enabled",
                    platform=platform,
                    effect="its tickets are not updated any more",
                    fix=f"resolve them by hand, or set {platform}.enabled",
                )
