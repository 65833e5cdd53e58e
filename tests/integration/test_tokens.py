"""Named tokens in a real Kafka: written once, read by every process, revoked without a restart."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp.test_utils import make_mocked_request
from support.access import bearer
from support.fleet import Fleet

from ticketing.access.token_topic import TokenTopic
from ticketing.api.door import Door, door_of
from ticketing.api.problems import Problem
from ticketing.config import Config
from ticketing.domain.access.principal import Role
from ticketing.errors import Conflict
from ticketing.kafka.runtime import Runtime
from ticketing.wire.topics import TOKENS

pytestmark = pytest.mark.kafka


def runtime_of(fleet: Fleet) -> Runtime:
    config = Config.model_validate({**fleet.config, "access": {"enforced": True}})
    return Runtime(config, config.kafka.brokers, embedded=False)


def make(runtime: Runtime, name: str) -> str:
    topic = TokenTopic(runtime)
    try:
        return topic.make(name, Role.VIEWER, None, expires_at=0.0, by="test")[1]
    finally:
        topic.close()


async def status(door: Door, secret: str) -> int:
    try:
        await door.principal(make_mocked_request("GET", "/", headers=bearer(secret)))
    except Problem as problem:
        return problem.status
    return 200


async def test_a_running_door_takes_new_tokens_and_refuses_revoked_ones(fleet: Fleet) -> None:
    fleet.create_topics()
    runtime = runtime_of(fleet)
    door = door_of(runtime)
    other = TokenTopic(runtime)
    try:
        first = make(runtime, "first")
        assert await status(door, first) == 200
        made = fleet.worker("w", "api", start=False).command(
            "tokens", "create", "second", "--role", "viewer"
        )
        assert made.returncode == 0, made.stderr
        second = made.stdout.strip()
        assert second not in made.stderr
        await wait_for_status(door, second, 200)
        other.revoke("first", "test")
        await wait_for_status(door, first, 401)
        assert await status(door, second) == 200
        rotated = other.rotate("second", "test")[1]
        await wait_for_status(door, second, 401)
        await wait_for_status(door, rotated, 200)
    finally:
        await door.close()
        other.close()
    values = b"".join(message.value() or b"" for message in fleet.kafka.read(TOKENS))
    for secret in (first, second, rotated):
        assert secret[:10].encode() in values
        assert secret[10:].encode() not in values


async def wait_for_status(door: Door, secret: str, wanted: int) -> None:

    deadline = asyncio.get_running_loop().time() + 60
    while await status(door, secret) != wanted:
        assert asyncio.get_running_loop().time() < deadline, wanted
        await asyncio.sleep(0.1)


def test_of_two_tokens_of_one_name_one_is_left(fleet: Fleet) -> None:
    fleet.create_topics()
    runtime = runtime_of(fleet)

    def attempt(_: int) -> str:
        try:
            return make(runtime, "same")
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = [secret for secret in pool.map(attempt, range(4)) if secret]
    topic = TokenTopic(runtime)
    try:
        active = [one.name for one in topic.read().by_id.values() if one.is_valid(topic._clock())]
    finally:
        topic.close()
    assert (len(made), active) == (1, ["same"])
