"""The sink agent: fans a published incident out to the topics of the platforms it is routed to."""

from __future__ import annotations

from typing import Any

import msgspec
from faust.types import EventT

from sinks.delivery.wishes import encode_wish
from sinks.router import platforms_for
from ticketing.engine.agent import BatchAgent, send_dead_letters
from ticketing.engine.outbox import Outbox
from ticketing.wire.dead_letters import DeadLetter, dead_letter_of
from ticketing.wire.topics import platform_topic


class Routed(msgspec.Struct):
    """The fields of an incident that decide its routing; the others are passed on undecoded."""

    ticketed: bool = False
    routes: list[str] = []


_routed = msgspec.json.Decoder(Routed)


class SinkAgent(BatchAgent):
    """Reads ticketing-incidents and passes on the last snapshot of each incident in a batch."""

    name = "sinks"

    async def handle(self, records: list[Any], event: EventT) -> None:
        """Produce the desired state to each platform's topic, keyed by incident."""
        latest = {record.key: record for record in records if record.value is not None}
        outbox = Outbox(self.app)
        letters: list[DeadLetter] = []
        for key, record in latest.items():
            try:
                routed = _routed.decode(record.value)
            except msgspec.MsgspecError as error:
                # A record that another producer wrote must not stop ours.
                tp = event.message.tp
                letters.append(
                    dead_letter_of(
                        tp.topic,
                        tp.partition,
                        record,
                        stage=self.name,
                        reason="undecodable",
                        detail=str(error),
                    )
                )
                continue
            for platform in platforms_for(routed):
                await outbox.send(platform_topic(platform), key, encode_wish(record.value))
        await send_dead_letters(outbox, letters)
        await outbox.settle()
