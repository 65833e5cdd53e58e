"""A consumer group's committed offsets with their notes, for a look from outside of the group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from ticketing.errors import Unavailable
from ticketing.wire.notes import topic_and_note

REQUEST_SECONDS_MAX = 3.0
"""Time for all answers: the console waits for them, and shows what it has without."""


class Group:
    """The offsets of a group. Connects for the first look, and again after a failure."""

    def __init__(self, client: Mapping[str, Any], name: str) -> None:
        """`client` holds arguments of aiokafka's clients, at least `bootstrap_servers`."""
        self._client = client
        self._name = name
        self._admin: AIOKafkaAdminClient | None = None

    async def notes(self, topics: Iterable[str]) -> dict[tuple[str, int], str]:
        """The note of each committed offset by topic and partition; raises Unavailable.

        Topics that are missing, and partitions without an offset, are left out.
        """
        try:
            return await asyncio.wait_for(self._notes(frozenset(topics)), REQUEST_SECONDS_MAX)
        except (KafkaError, OSError, asyncio.TimeoutError) as error:
            await self.close()
            raise Unavailable(f"Kafka does not answer ({type(error).__name__})") from None

    async def close(self) -> None:
        """Disconnect."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def _notes(self, topics: frozenset[str]) -> dict[tuple[str, int], str]:
        if self._admin is None:
            # Kept from here on, so that a start that fails is closed too.
            self._admin = AIOKafkaAdminClient(**self._client)
            await self._admin.start()
        # Asked for all topics: a question about one would make it, where brokers make topics.
        known = await self._admin.describe_topics()
        # The partitions are named, as the embedded broker answers for no others.
        places = [
            TopicPartition(topic["topic"], place["partition"])
            for topic in known
            if topic["topic"] in topics
            for place in topic["partitions"]
        ]
        if not places:
            return {}
        found = await self._admin.list_consumer_group_offsets(self._name, partitions=places)
        return {
            (place.topic, place.partition): topic_and_note(kept.metadata or "")[1]
            for place, kept in found.items()
            if kept.offset >= 0
        }
