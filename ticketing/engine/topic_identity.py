"""Offsets belong to a topic: no record and no commit of one counts for another of the same name.

A topic that was deleted and made anew begins at offset 0 again. Three places would not notice: a fetch
at the old position, a commit of an old offset, and an assignment in which both meet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.structs import OffsetAndMetadata
from confluent_kafka import KafkaException
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from ticketing.engine.departure import leave
from ticketing.errors import Unavailable
from ticketing.kafka.watch import TopicWatch
from ticketing.wire.notes import topic_and_note

log = logging.getLogger(__name__)

ASK_EVERY_SECONDS = 0.01
"""Bounds the questions of a backlog: a hundred a second take a few hundredths of a core."""
ASK_AGAIN_SECONDS = 0.5
"""A broker that is away is not asked in a tight loop."""


async def leave_if_remade(watch: TopicWatch | None) -> None:
    """Leave if a topic is no longer the one that was verified when the process started."""
    if watch is None:
        return
    try:
        why = await asyncio.to_thread(watch.ask)
    except (KafkaException, Unavailable) as error:
        # Without an answer nothing can be read either, and the watch goes on asking.
        log.warning("the topics could not be verified: %s", error)
        return
    if why is not None:
        leave(why, "topics")


class KnownTopicsThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, as far as the identity of topics goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._assignments = 0
        self._asked_at = 0.0

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin an assignment."""
        self._assignments += 1
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let go of what is being fetched."""
        self._assignments += 1
        await super().on_partitions_revoked(revoked)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets; to the beginning where they are another topic's."""
        return await self.call_thread(self._seek_to_committed)  # type: ignore[no-any-return]

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        found: dict[TP, int] = await consumer.seek_to_committed()
        committed = await consumer._coordinator.fetch_committed_offsets(list(found))
        for tp, kept in committed.items():
            id, (known, _) = self._id_of(tp), topic_and_note(kept.metadata or "")
            if kept.offset >= 0 and known and id and known != id:
                log.warning("%s was made anew: it is read from its beginning", tp.topic)
                await consumer.seek_to_beginning(tp)
                found[tp] = -1
        return found

    def _id_of(self, tp: TP) -> str:
        return self.consumer.app.role_topics.ids.get(tp.topic, "")  # type: ignore[no-any-return]

    async def are_of_known_topics(
        self, fetched: Mapping[TP, list[Any]], read: Mapping[TP, int]
    ) -> bool:
        """True once Kafka has said, after a fetch, that the topics are still those that were verified.

        Asked for each fetch of an input, which its owner may make anew at any time: a record of the
        new topic would be counted, or passed by, as one of the old topic at the same offset. Of other
        topics an offset that goes back is asked about. False if the partitions were given away
        meanwhile: the next assignment reads the records again. `read` are the last offsets of fetches
        before.
        """
        watch = self.consumer.app.topic_watch
        if watch is None or not fetched:
            return True
        back = any(run[0].offset <= read.get(tp, -1) for tp, run in fetched.items())
        if not back and not any(tp.topic in watch.inputs for tp in fetched):
            return True
        assignments = self._assignments
        await asyncio.sleep(self._asked_at + ASK_EVERY_SECONDS - time.monotonic())
        self._asked_at = time.monotonic()
        while not self.should_stop and assignments == self._assignments:
            try:
                why = await asyncio.to_thread(watch.ask)
            except (KafkaException, Unavailable):
                await asyncio.sleep(ASK_AGAIN_SECONDS)
                continue
            if why is not None:
                leave(why, "topics")
            break
        return assignments == self._assignments

    def name_topics(self) -> None:
        """Commit each offset with the id of its topic, as an offset alone fits any topic."""
        commit = self._consumer.commit

        async def naming(offsets: Mapping[TP, OffsetAndMetadata]) -> None:
            await commit(
                {tp: OffsetAndMetadata(one.offset, self._id_of(tp)) for tp, one in offsets.items()}
            )

        self._consumer.commit = naming
