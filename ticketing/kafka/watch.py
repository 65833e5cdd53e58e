"""Detects that a topic was deleted and recreated while being read, or has got more partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import TimeoutError as NoAnswer

from confluent_kafka import KafkaException

from ticketing.errors import Unavailable
from ticketing.guards import Guard
from ticketing.kafka.admin import Seen
from ticketing.kafka.runtime import Runtime

CHECK_EVERY_SECONDS = 2.0
"""Bounds what a reader skips in a recreated topic, at one metadata request a check."""
ASK_SECONDS_MAX = 5.0
"""Within half of the shortest session timeout in use, as an assignment waits for the answer."""


class TopicWatch:
    """Asks the broker for topic ids, from a thread of its own, as the call blocks.

    A recreated topic begins at offset 0. A reader at its old position would skip the records below,
    so the process leaves and starts afresh, with the new id.
    """

    def __init__(
        self,
        runtime: Runtime,
        names: Iterable[str],
        changed: Callable[[Mapping[str, Seen]], str | None],
    ) -> None:
        """`changed` gets the topics as they are, and says which is no longer the one it was."""
        self._topics = runtime.topics(ASK_SECONDS_MAX)
        self._names = list(names)
        self._judge = changed
        self._changed: str | None = None
        self.inputs = frozenset(runtime.inputs).intersection(self._names)
        self.guard = Guard("topic watch", self.look, CHECK_EVERY_SECONDS)

    def verdict(self) -> str | None:
        """The reason to leave once a topic was recreated; None before."""
        return self._changed

    def ask(self) -> str | None:
        """The reason to leave as of now; raises Unavailable without an answer."""
        return self._judge(self._topics.identities(self._names))

    def look(self) -> None:
        """Ask once, and remember a reason to leave."""
        if self._changed is not None:
            return
        try:
            self._changed = self.ask()
        except (KafkaException, NoAnswer, TimeoutError, Unavailable):
            # Without a broker nothing can be said yet.
            return
