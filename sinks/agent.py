"""The sink agent: fans a published incident out to the topics of the platforms it is routed to."""

from __future__ import annotations

from typing import Any

import msgspec
from faust.types import EventT

from sinks.router import platforms_for
from ticketing.agent import BatchAgent, dead_letter, send_dead_letters
from ticketing.durable import Outbox
from ticketing.models import DeadLetter
from ticketing.topics import platform_topic


class Routed(msgspec.Struct):
    """What of an incident decides where it goes; the rest is passed on as it is."""

    ticketed: bool = False
    routes: list[str] = []


_routed = msgspec.json.Decoder(Routed)


class SinkAgent(BatchAgent):
    """Reads ticketing-incidents; of several snapshots of one incident in a batch only the last."""

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
                # Not written by us: whoever did must not stop what is.
                letters.append(
                    dead_letter(event.message.tp, record, self.name, "undecodable", str(error))
                )
                continue
            for platform in platforms_for(routed):
                await outbox.send(platform_topic(platform), key, b'{"desired":%b}' % record.value)
        await send_dead_letters(outbox, letters)
        await outbox.settle()
