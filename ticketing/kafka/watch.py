"""Detects that an input topic was deleted and recreated while being read."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import TimeoutError as NoAnswer

from confluent_kafka import KafkaException

from ticketing.errors import Unavailable
from ticketing.guards import Guard
from ticketing.kafka.runtime import Runtime

CHECK_EVERY_SECONDS = 2.0
"""Bounds what a reader skips in a recreated topic, at one metadata request a check."""


class TopicWatch:
    """Asks the broker for topic ids, from a thread of its own, as the call blocks.

    A recreated topic begins at offset 0. A reader at its old position would skip the records below,
    so the process leaves and starts afresh, with the new id in its watermarks.
    """

    def __init__(self, runtime: Runtime, ids: Mapping[str, str]) -> None:
        self._topics = runtime.topics()
        self._known = dict(ids)
        self._changed: str | None = None
        self.guard = Guard("topic watch", self.look, CHECK_EVERY_SECONDS)

    def verdict(self) -> str | None:
        """The reason to leave once a topic was recreated; None before."""
        return self._changed

    def look(self) -> None:
        """Compare the topics' ids once."""
        if self._changed is not None:
            return
        try:
            found = self._topics.ids(self._known)
        except (KafkaException, NoAnswer, TimeoutError, Unavailable):
            # Without a broker, or without the topic, nothing can be said yet.
            return
        changed = [name for name, known in self._known.items() if found[name] != known]
        if changed:
            self._changed = f"topic {changed[0]} was deleted and created again"
