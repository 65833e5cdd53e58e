"""What holds for every test, and the fixtures that integration and end-to-end tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from support import kafka as kafka_support
from support import redis as redis_support
from support.fleet import Fleet
from support.kafka import Kafka
from support.redis import RedisServer

REQUIRE_VARIABLE = "TICKETING_TEST_REQUIRE"

# How long an example takes says something about the machine and nothing about the code.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get(REQUIRE_VARIABLE) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {REQUIRE_VARIABLE} is set: {report.longrepr}"


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The session's broker, for tests with topics and groups of their own. Leave it running."""
    broker = kafka_support.launch()
    yield broker
    broker.close()


@pytest.fixture
def broker() -> Iterator[Kafka]:
    """A broker with nothing on it, for a test that runs the job; it may be stopped and started."""
    broker = kafka_support.launch()
    if isinstance(broker, kafka_support.ExternalKafka):
        broker.empty()
    yield broker
    broker.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The session's Redis. Leave it running, and keep to a prefix of your own."""
    server = redis_support.launch()
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Where the session's Redis is."""
    return redis_server.url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that the test may stop, start and empty."""
    server = redis_support.launch()
    yield server
    server.close()


@pytest.fixture
def prefix() -> str:
    """A name that no other test has: for keys, topics and groups."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def fleet(broker: Kafka, tmp_path: Path) -> Iterator[Fleet]:
    """Workers against a broker of their own; what still runs at the end is ended."""
    with Fleet(broker, tmp_path) as made:
        yield made
