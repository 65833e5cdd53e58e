"""The sends of one batch, awaited until all are acknowledged."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from faust.types import TP

from ticketing import metrics
from ticketing.engine.guarded import TooLarge
from ticketing.engine.transport import Pair
from ticketing.telemetry import spans
from ticketing.telemetry.spans import Headers
from ticketing.wire.dead_letters import LETTER_BYTES_MAX, DeadLetter, encode_dead_letter
from ticketing.wire.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

OVERHEAD_BYTES = 1_024
"""Upper bound of the bytes that Kafka adds to a message."""
LETTER_BYTES_MIN = 2_048
"""A letter without its record fits; a topic that takes even less is none of ours."""


class Outbox:
    """The sends of one batch; done when `settle` has returned.

    Messages are packed per partition, since the client's cost is per call and not per byte. A
    failed send raises from `settle`: the process leaves without handling the batch, and the
    partition's next owner repeats the batch.
    """

    def __init__(self, app: Any) -> None:
        self._producer = app.producer
        self._queued: dict[TP, list[Pair]] = {}
        self._contexts: dict[TP, dict[int, Headers]] = {}
        """The traces of queued messages, by their place in the queue."""
        self._letters: list[DeadLetter] = []
        conf = getattr(app, "conf", None)
        largest = getattr(conf, "producer_max_request_size", LETTER_BYTES_MAX + OVERHEAD_BYTES)
        self._letter_bytes_max = int(largest) - OVERHEAD_BYTES

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        *,
        context: Headers | None = None,
    ) -> None:
        """Queue one message; without a partition the key decides, without a key any will do.

        `context` is the trace that the message belongs to; without one the span in hand, if any.
        """
        if partition is None:
            partition = await self._producer.partition_of(topic, key)
        place = TP(topic, partition)
        queue = self._queued.setdefault(place, [])
        context = context or spans.headers()
        if context:
            self._contexts.setdefault(place, {})[len(queue)] = context
        queue.append((key, value))

    def letter(self, letter: DeadLetter) -> None:
        """Queue a dead letter, which is cut to whatever size Kafka takes."""
        self._letters.append(letter)

    async def settle(self) -> dict[TP, int]:
        """Wait until the broker holds every message; raises the first failure.

        A message that the broker takes in no size raises TooLarge, once all others have ended, and
        no dead letter is sent then. Returns the offset of the last message of each partition.
        """
        queued, self._queued = self._queued, {}
        contexts, self._contexts = self._contexts, {}
        letters, self._letters = self._letters, []
        ended = await asyncio.gather(
            *(
                self._producer.send_all(place, messages, *_some(contexts.get(place)))
                for place, messages in queued.items()
            ),
            return_exceptions=True,
        )
        failures = [end for end in ended if isinstance(end, BaseException)]
        # A failure of Kafka says more than the size of a message.
        for failure in sorted(failures, key=lambda failure: isinstance(failure, TooLarge)):
            raise failure
        last = [end for end in ended if not isinstance(end, BaseException)]
        await self._post(letters)
        return dict(zip(queued, last, strict=True))

    async def _post(self, letters: list[DeadLetter]) -> None:
        """Send dead letters packed per partition; ever shorter where Kafka refuses them."""
        places: dict[TP, list[DeadLetter]] = {}
        for letter in letters:
            place = TP(DEAD_LETTERS, await self._producer.partition_of(DEAD_LETTERS, None))
            places.setdefault(place, []).append(letter)
        await asyncio.gather(*(self._post_to(place, some) for place, some in places.items()))
        for letter in letters:
            metrics.dead_letters_total.labels(letter.stage, letter.reason).inc()

    async def _post_to(self, place: TP, letters: list[DeadLetter]) -> None:
        bound = self._letter_bytes_max
        while letters:
            encoded = [(None, encode_dead_letter(letter, bound)) for letter in letters]
            try:
                await self._producer.send_all(place, encoded)
                return
            except TooLarge as error:
                letters = [letters[index] for index in error.refused]
                bound = min(bound, error.size) // 2
                if bound < LETTER_BYTES_MIN:
                    # Kafka refuses what is nearly empty: the log is the last place to say it.
                    log.error("%d dead letters are too large for %s", len(letters), place.topic)
                    return


def _some(contexts: dict[int, Headers] | None) -> tuple[dict[int, Headers], ...]:
    """The contexts as an argument, where there are any."""
    return (contexts,) if contexts else ()
