"""The roles by their pulses: down once silent, unknown while nobody listens."""

from __future__ import annotations

from typing import Any

import pytest
from support.waiting import until

from ticketing.api import fleet
from ticketing.api.fleet import SILENT_SECONDS, KafkaFleet, Roles, State, Watched
from ticketing.config import Config
from ticketing.errors import Unavailable
from ticketing.kafka.consumers import GroupSeen, TopicRead
from ticketing.kafka.runtime import Runtime
from ticketing.wire.pulses import Circuit, Pulse

AT = 1_900_000_000.0
PIPELINE = Pulse("pipeline", "1-a", started_at=AT - 60, ready=True)


def heard(*pulses: Pulse, roles: tuple[str, ...] = ("pipeline",)) -> Roles:
    found = Roles(roles)
    found.listen(0.0)
    for pulse in pulses:
        found.take(pulse, 0.0)
    return found


def states(roles: Roles, now: float) -> list[State]:
    return [one.state for one in roles.seen(now, AT + now)]


def test_a_role_is_up_while_it_is_heard_and_down_once_it_is_silent() -> None:
    roles = heard(PIPELINE)
    assert states(roles, SILENT_SECONDS - 0.1) == [State.UP]
    assert states(roles, SILENT_SECONDS) == [State.DOWN]


def test_a_role_that_says_that_it_ends_is_down_at_once() -> None:
    roles = heard(PIPELINE, Pulse("pipeline", "1-a", started_at=AT - 60, ends=True))
    assert states(roles, SILENT_SECONDS) == [State.DOWN]


def test_silence_says_nothing_before_one_has_listened_for_long_enough() -> None:
    roles = heard()
    assert states(roles, SILENT_SECONDS - 0.1) == [State.UNKNOWN]
    assert states(roles, SILENT_SECONDS) == [State.DOWN]
    assert states(Roles(["pipeline"]), 1000.0) == [State.UNKNOWN]


def test_after_a_silence_of_kafka_nothing_is_known_at_first() -> None:
    roles = heard(PIPELINE)
    roles.deaf()
    assert states(roles, 5.0) == [State.UNKNOWN]
    roles.listen(100.0)
    assert states(roles, 100.0 + SILENT_SECONDS - 0.1) == [State.UNKNOWN]
    assert states(roles, 100.0 + SILENT_SECONDS) == [State.DOWN]


def test_a_role_without_a_ready_process_is_starting() -> None:
    starting = Pulse("pipeline", "2-b", started_at=AT)
    assert states(heard(starting), 1.0) == [State.STARTING]
    assert states(heard(starting, PIPELINE), 1.0) == [State.UP]


def test_since_is_the_time_of_the_last_change() -> None:
    roles = heard(PIPELINE)
    assert roles.seen(1.0, AT + 1)[0].since == AT - 60
    assert roles.seen(20.0, AT + 20)[0].since == AT + 20
    assert roles.seen(30.0, AT + 30)[0].since == AT + 20
    roles.take(replace_started(PIPELINE, AT + 31), 31.0)
    assert roles.seen(32.0, AT + 32)[0].since == AT + 32


def replace_started(pulse: Pulse, at: float) -> Pulse:
    return Pulse(pulse.role, "9-z", started_at=at, ready=True)


def test_processes_of_a_role_are_summed() -> None:
    (found,) = heard(
        Pulse("jira", "a", AT, ready=True, pending=2, circuit=Circuit(AT - 5, "timeout")),
        Pulse("jira", "b", AT, ready=True, pending=3, circuit=Circuit(AT - 9, "server_error")),
        roles=("jira",),
    ).seen(1.0, AT)
    assert (found.workers, found.pending) == (2, 5)
    assert found.circuit == Circuit(AT - 9, "server_error")


class Groups:
    """Kafka's word on the groups."""

    def __init__(self, _: Any) -> None:
        pass

    def look(self, groups: dict[str, tuple[str, ...]]) -> dict[str, GroupSeen]:
        read = TopicRead("enriched-logs", 4, 3, 7)
        return {group: GroupSeen("stable", 1, ("h",), (read,)) for group in groups}

    def kept(self, _: str) -> int:
        return 2


class Silent(Groups):
    def look(self, groups: dict[str, tuple[str, ...]]) -> dict[str, GroupSeen]:
        raise Unavailable("Kafka does not answer")


def kafka_fleet() -> KafkaFleet:
    runtime = Runtime(Config(), "broker:9092", embedded=False)
    return KafkaFleet(runtime, {"pipeline": Watched("ticketing", ("enriched-logs",))})


async def test_the_groups_tell_the_lag_and_partitions_without_a_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet, "Consumers", Groups)
    found = await kafka_fleet().read()
    assert (found.answers, found.input_lag, found.dead_letters) == (True, 7, 2)
    assert found.lag == {"pipeline": 7}
    assert found.problems == [
        "pipeline: 1 of 4 partitions of enriched-logs have no reader",
    ]


async def test_without_kafka_no_role_is_said_to_be_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "Consumers", Silent)
    found = await kafka_fleet().read()
    assert not found.answers
    assert [one.state for one in found.roles] == [State.UNKNOWN]
    assert found.problems == []


async def test_pulses_are_heard_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "Consumers", Groups)
    monkeypatch.setattr(fleet, "LISTEN_EVERY_SECONDS", 0.001)
    found = kafka_fleet()
    told: list[Any] = [Unavailable("away"), [PIPELINE]]

    def hear() -> list[Pulse]:
        following = told.pop(0) if told else []
        if isinstance(following, Exception):
            raise following
        return list(following)

    monkeypatch.setattr(found, "_hear", hear)
    found.start()

    async def up() -> bool:
        return (await found.read()).roles[0].state is State.UP

    try:
        await until(up, "the role to be up")
    finally:
        await found.close()
