"""Messages that Kafka deleted before they were read: noticed at once, counted and told.

A position that retention has overtaken is out of range, and aiokafka goes on at the first message
that is left, with a line of its log. Transaction markers and compaction leave gaps of offsets too, but
no position out of range.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from ticketing import metrics

log = logging.getLogger(__name__)

ASK_SECONDS_MAX = 5.0
"""For the first offset of a partition; without an answer the next fetch asks again."""


class Overtaken:
    """The positions of one consumer that lay before the first message of their partition."""

    def __init__(self) -> None:
        self._behind: dict[TP, int] = {}
        """By partition, the first offset that was not read."""

    def watch(self, fetcher: Any) -> None:
        """Look at each fetch of aiokafka's fetcher, which tells nobody of a position it sets anew."""
        fetch = fetcher._proc_fetch_request

        async def noting(assignment: Any, node_id: int, request: Any) -> bool:
            found: bool = await fetch(assignment, node_id, request)
            for topic, parts in request.topics:
                for partition, offset, _ in parts:
                    state = assignment.state_value(TopicPartition(topic, partition))
                    if state is not None and not state.has_valid_position and state.awaiting_reset:
                        self._behind.setdefault(TP(topic, partition), offset)
            return found

        fetcher._proc_fetch_request = noting

    def forget(self) -> None:
        """Begin an assignment: its positions come from Kafka."""
        self._behind.clear()

    async def tell(self, consumer: Any) -> None:
        """Count and tell the messages that were gone before they were read."""
        if not self._behind:
            return
        asked = dict(self._behind)
        try:
            firsts = await asyncio.wait_for(
                consumer.beginning_offsets([TopicPartition(*place) for place in asked]),
                ASK_SECONDS_MAX,
            )
        except (KafkaError, asyncio.TimeoutError) as error:
            log.warning("expired messages can't be counted yet: %s", type(error).__name__)
            return
        for place, behind in asked.items():
            self._behind.pop(place, None)
            lost = firsts.get(TopicPartition(*place), 0) - behind
            # A position behind the end, of a topic that was cut short, has lost nothing.
            if lost <= 0:
                continue
            metrics.messages_expired_total.labels(place.topic, str(place.partition)).inc(lost)
            log.error(
                "%s[%d]: %d messages, offsets %d to %d, were deleted before they were read: raise the"
                " topic's retention (retention.ms, retention.bytes), or add workers",
                place.topic,
                place.partition,
                lost,
                behind,
                behind + lost - 1,
            )
