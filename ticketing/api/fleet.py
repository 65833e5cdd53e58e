"""The fleet as any API process sees it: the pulses of all workers, and what Kafka says of groups.

A role is down once nobody has heard a pulse of it for some seconds, long before Kafka ends the
session of a process that died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from confluent_kafka import KafkaException

from ticketing.errors import TicketingError, Unavailable
from ticketing.kafka.consumers import Consumers, GroupSeen, group_problems, leaderless
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.pulses import Circuit, Pulse, decode_pulse
from ticketing.wire.topics import DEAD_LETTERS, PULSES

log = logging.getLogger(__name__)

LISTEN_EVERY_SECONDS = 1.0
"""A role that ends says so: people see it within two seconds."""
SILENT_SECONDS = 15.0
"""Three pulses (`ticketing.engine.pulse`): none is late by so much on a busy machine."""
ASK_EVERY_SECONDS = 5.0
"""Between looks at the groups, each of some ten requests, however many people look."""


class State(Enum):
    """The state of a role."""

    UP = "up"
    """A process of it has its partitions and tables."""
    STARTING = "starting"
    """Its processes recover their tables, or partitions are dealt out."""
    DOWN = "down"
    """No process of it is heard."""
    UNKNOWN = "unknown"
    """This process has not listened for long enough, or Kafka does not answer."""


@dataclass(frozen=True, slots=True)
class RoleSeen:
    """A role over all its processes; what only some roles know is None for the others."""

    role: str
    state: State
    since: float | None = None
    """Unix seconds; None for a state that is not known."""
    workers: int = 0
    pending: int | None = None
    circuit: Circuit | None = None
    followed: float | None = None


class Roles:
    """The roles by their pulses. `now` is monotonic, `at` Unix seconds."""

    def __init__(self, roles: Collection[str]) -> None:
        self._roles = list(roles)
        self._heard: dict[tuple[str, str], tuple[Pulse, float]] = {}
        self._listening_since: float | None = None
        self._known: dict[str, tuple[State, float]] = {}

    def listen(self, now: float) -> None:
        """Note that pulses are heard from now on."""
        if self._listening_since is None:
            self._listening_since = now

    def deaf(self) -> None:
        """Note that pulses are not heard: nothing is known by silence."""
        self._listening_since = None
        self._heard.clear()

    def take(self, pulse: Pulse, now: float) -> None:
        """Take in a pulse."""
        key = (pulse.role, pulse.worker)
        if pulse.ends:
            self._heard.pop(key, None)
        else:
            self._heard[key] = pulse, now

    def seen(self, now: float, at: float) -> list[RoleSeen]:
        """Each role as it is now."""
        for key, (_, heard_at) in list(self._heard.items()):
            if now - heard_at >= SILENT_SECONDS:
                del self._heard[key]
        return [self._seen(role, now, at) for role in self._roles]

    def _seen(self, role: str, now: float, at: float) -> RoleSeen:
        pulses = [pulse for pulse, _ in self._heard.values() if pulse.role == role]
        state = self._state(pulses, now)
        if state is State.UNKNOWN:
            self._known.pop(role, None)
            return RoleSeen(role, state)
        known = self._known.get(role)
        if known is None or known[0] is not state:
            first = min((pulse.started_at for pulse in pulses), default=at)
            # Before the first look nothing is known of the time at which it went.
            known = self._known[role] = state, (at if known else min(first, at))
        return RoleSeen(
            role,
            state,
            known[1],
            len(pulses),
            _added(pulse.pending for pulse in pulses),
            _first(pulse.circuit for pulse in pulses),
            min((pulse.followed for pulse in pulses if pulse.followed is not None), default=None),
        )

    def _state(self, pulses: list[Pulse], now: float) -> State:
        if any(pulse.ready for pulse in pulses):
            return State.UP
        if pulses:
            return State.STARTING
        since = self._listening_since
        return State.UNKNOWN if since is None or now - since < SILENT_SECONDS else State.DOWN


def _added(counts: Iterable[int | None]) -> int | None:
    found = [count for count in counts if count is not None]
    return sum(found) if found else None


def _first(circuits: Iterable[Circuit | None]) -> Circuit | None:
    """The circuit that has been open for the longest."""
    found = [circuit for circuit in circuits if circuit is not None]
    return min(found, key=lambda circuit: circuit.since, default=None)


@dataclass(frozen=True, slots=True)
class FleetSeen:
    """The fleet at one look; without an answer of Kafka the roles are unknown."""

    answers: bool
    """False while Kafka does not answer."""
    roles: list[RoleSeen]
    lag: Mapping[str, int | None] = field(default_factory=dict)
    """Records behind by role; None where the broker does not tell."""
    input_lag: int | None = None
    """Records of the inputs that detection has not handled."""
    dead_letters: int | None = None
    """Those that Kafka keeps, redriven ones among them."""
    problems: list[str] = field(default_factory=list)
    """Sentences for people."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A role of the installation: its consumer group, and the topics that the group commits."""

    group: str
    topics: tuple[str, ...]


class KafkaFleet:
    """The fleet as Kafka has it: listens from `start` on, and asks when somebody looks."""

    def __init__(
        self,
        runtime: Runtime,
        watched: Mapping[str, Watched],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`watched` are the roles that should run."""
        self._runtime = runtime
        self._watched = watched
        self._clock = clock
        self._wall = wall
        self._roles = Roles(watched)
        self._reader: TopicReader | None = None
        self._place: int | None = None
        self._listening: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._consumers: Consumers | None = None
        self._groups: dict[str, GroupSeen] | None = None
        self._letters: int | None = None
        self._again_at = -1.0

    def start(self) -> None:
        """Begin to listen to the pulses."""
        self._listening = asyncio.ensure_future(self._listen())

    async def close(self) -> None:
        """Stop listening, and disconnect."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        await asyncio.to_thread(self._disconnect)

    async def read(self) -> FleetSeen:
        """The fleet as it is now. Requests share an answer."""
        async with self._turn:
            if self._clock() >= self._again_at:
                await self._ask()
            roles = self._roles.seen(self._clock(), self._wall())
            if self._groups is None:
                return FleetSeen(False, [RoleSeen(role, State.UNKNOWN) for role in self._watched])
            return self._shown(self._groups, roles)

    def _shown(self, groups: Mapping[str, GroupSeen], roles: list[RoleSeen]) -> FleetSeen:
        inputs = frozenset(self._runtime.inputs)
        read = {role: groups[watched.group] for role, watched in self._watched.items()}
        lags = [
            topic.lag for seen in read.values() for topic in seen.topics if topic.name in inputs
        ]
        known = [lag for lag in lags if lag is not None]
        down = [one.role for one in roles if one.state is State.DOWN]
        told = [f"{role}: no worker runs it" for role in down]
        for role, seen in read.items():
            # A process that died keeps its partitions until its session ends.
            told += [] if role in down else group_problems(role, seen)
        return FleetSeen(
            answers=True,
            roles=roles,
            lag={role: _lag(seen) for role, seen in read.items()},
            input_lag=sum(known) if known else None,
            dead_letters=self._letters,
            problems=[*told, *leaderless(read.values())],
        )

    async def _ask(self) -> None:
        try:
            self._groups, self._letters = await asyncio.to_thread(self._look)
        except (TicketingError, KafkaException) as error:
            log.warning("the groups can't be looked at: %s", error)
            self._groups = self._letters = None
        self._again_at = self._clock() + ASK_EVERY_SECONDS

    def _look(self) -> tuple[dict[str, GroupSeen], int]:
        if self._consumers is None:
            self._consumers = Consumers(self._runtime)
        groups = {watched.group: watched.topics for watched in self._watched.values()}
        return self._consumers.look(groups), self._consumers.kept(DEAD_LETTERS)

    async def _listen(self) -> None:
        while True:
            try:
                pulses = await asyncio.to_thread(self._hear)
            except (TicketingError, KafkaException) as error:
                # Known beside `read`, which says that Kafka does not answer.
                log.debug("pulses can't be heard: %s", error)
                self._roles.deaf()
                await asyncio.to_thread(self._disconnect)
            else:
                now = self._clock()
                self._roles.listen(now)
                for pulse in pulses:
                    self._roles.take(pulse, now)
            await asyncio.sleep(LISTEN_EVERY_SECONDS)

    def _hear(self) -> list[Pulse]:
        """The pulses since the last call; raises Unavailable."""
        if self._reader is None:
            self._reader = TopicReader(self._runtime)
        if not self._reader.partitions(PULSES):
            raise Unavailable("no worker has started yet")
        low, high = self._reader.bounds(PULSES, 0)
        if self._place is None or self._place > high:
            # What was said before this process listened may be long over.
            self._place = high
        read = self._reader.between(PULSES, 0, max(low, self._place), high)
        found = [decode_pulse(message.value()) for message in read]
        self._place = high
        return [pulse for pulse in found if pulse is not None]

    def _disconnect(self) -> None:
        reader, self._reader, self._place = self._reader, None, None
        if reader is not None:
            reader.close()


def _lag(seen: GroupSeen) -> int | None:
    known = [topic.lag for topic in seen.topics if topic.lag is not None]
    return sum(known) if known else None
