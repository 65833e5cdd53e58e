"""A writer of incidents beside an API: it answers commands as the real one does, from memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from support.configured import policy_with

from ticketing.domain.events import Command
from ticketing.domain.incidents.commands import commanded
from ticketing.domain.incidents.incident import Incident
from ticketing.errors import Unavailable
from ticketing.view.store import ViewStore

Answer = Callable[[Command], "Sequence[Incident | str]"]
"""The published incidents after a command; the id of one that is deleted."""


class Writer:
    """Applies commands by the domain's rules at once; can be told to be deaf or unreachable."""

    def __init__(self, store: ViewStore, clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock
        self.policy = policy_with(escalation_to=("payments-team",))
        self.incidents: dict[str, Incident] = {}
        self.received: list[Command] = []
        self.answers: dict[str, Answer] = {}
        """Of commands that change several incidents: what they publish, by the incident named."""
        self.deaf = False
        self.unreachable = False

    async def put(self, *incidents: Incident) -> None:
        for one in incidents:
            self.incidents[one.id] = one
        await self.store.write([(one.id, one) for one in incidents])

    async def send(self, command: Command) -> None:
        if self.unreachable:
            raise Unavailable("Kafka does not answer")
        self.received.append(command)
        if self.deaf:
            return
        answer = self.answers.get(command.incident_id)
        if answer is not None:
            for one in answer(command):
                if isinstance(one, str):
                    await self.store.write([(one, None)])
                else:
                    await self.put(one)
        else:
            before = self.incidents[command.incident_id]
            await self.put(commanded(before, command, self.clock(), self.policy))
