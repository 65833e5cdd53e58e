"""Notices that an input topic was deleted and made anew while we read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from confluent_kafka import KafkaException

from ticketing.kafka.runtime import Runtime

CHECK_EVERY_SECONDS = 2.0


class TopicWatch:
    """Asks the broker for topic ids, from a thread, so that nobody waits for the answer.

    A new topic begins at offset 0 again. A reader that kept its position would skip what lies below
    it, so the process leaves and starts afresh, with the new id in its watermarks.
    """

    def __init__(self, runtime: Runtime, ids: Mapping[str, str]) -> None:
        self._topics = runtime.topics()
        self._known = dict(ids)
        self._changed: str | None = None
        threading.Thread(target=self._watch, name="topic-watch", daemon=True).start()

    def verdict(self) -> str | None:
        """Why to leave, if a topic is another one now."""
        return self._changed

    def _watch(self) -> None:
        while self._changed is None:
            time.sleep(CHECK_EVERY_SECONDS)
            try:
                found = self._topics.ids(self._known)
            except KafkaException:
                # No broker, or no topic just now: nothing is known, nothing is decided.
                continue
            changed = [name for name, known in self._known.items() if found[name] != known]
            if changed:
                self._changed = f"topic {changed[0]} was deleted and created again"
