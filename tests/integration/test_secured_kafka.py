"""A broker that asks who is there: with a certificate, or a password, the whole job works.

Each of the three client libraries connects: librdkafka makes the topics, Faust runs the pipeline and
the view, and aiokafka sends the API's command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fleet import Fleet
from support.logs import log
from support.secured_kafka import PASSWORD, USERNAME, SecuredKafka
from support.waiting import wait_for

from ticketing.api.server import KafkaCommands
from ticketing.domain.events import Action, Command
from ticketing.errors import Unavailable
from ticketing.wire.topics import INCIDENTS

pytestmark = pytest.mark.kafka

COMMAND = Command(id="c1", incident_id="aa-0-1", action=Action.ACKNOWLEDGE)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredKafka]:
    broker = SecuredKafka(tmp_path)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def fleet(secured: SecuredKafka, tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(secured, tmp_path) as made:
        yield made


def anonymous(broker: SecuredKafka) -> dict[str, str]:
    return {
        "brokers": broker.ssl_address,
        "securityProtocol": "SSL",
        "caBundle": str(broker.authority.bundle),
    }


def with_certificate(broker: SecuredKafka) -> dict[str, str]:
    client = broker.authority.sign("client")
    return {
        **anonymous(broker),
        "clientCertificate": str(client.certificate),
        "clientKey": str(client.key),
    }


def with_password(broker: SecuredKafka) -> dict[str, str]:
    return {
        "brokers": broker.sasl_address,
        "securityProtocol": "SASL_SSL",
        "caBundle": str(broker.authority.bundle),
        "saslMechanism": "PLAIN",
        "username": USERNAME,
        "password": PASSWORD,
    }


def run(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = fleet.directory / "command.json"
    path.write_text(json.dumps(fleet.config))
    return subprocess.run(
        [sys.executable, "-m", "ticketing", *arguments],
        env={**os.environ, "TICKETING_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("credentials", [with_certificate, with_password])
def test_the_job_works_with_credentials(
    fleet: Fleet, secured: SecuredKafka, credentials: Any
) -> None:
    fleet.configure(kafka=credentials(secured))
    made = run(fleet, "topics", "create")
    assert made.returncode == 0, made.stderr
    assert f"created {INCIDENTS}" in made.stdout

    worker = fleet.worker("a", "pipeline", "view")
    worker.wait_ready()
    fleet.feed([log(level="FATAL")] * 10)
    (incident,) = fleet.wait_counted(10).values()
    wait_for(worker.incidents, "the incident in the API")
    status, body = worker.post(f"/api/incidents/{incident.id}/acknowledge")
    assert status == 200, body
    assert body["status"] == "acknowledged"


async def test_without_a_certificate_everything_says_so(
    fleet: Fleet, secured: SecuredKafka
) -> None:
    fleet.configure(kafka=anonymous(secured))
    worker = fleet.worker("a", "pipeline")
    refused = run(fleet, "topics", "create")
    assert refused.returncode == 1
    assert "Kafka does not answer" in refused.stderr
    assert "certificate" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert worker.roles["pipeline"].wait_ended() == 1
    assert "certificate" in worker.log("pipeline")

    commands = KafkaCommands(fleet.runtime())
    with pytest.raises(Unavailable, match="Kafka does not answer"):
        await commands.send(COMMAND)
    assert not secured.topics()


async def test_with_a_wrong_password_everything_says_so(
    fleet: Fleet, secured: SecuredKafka
) -> None:
    wrong = "a-wrong-password"
    fleet.configure(kafka={**with_password(secured), "password": wrong})
    refused = run(fleet, "topics", "create")
    assert refused.returncode == 1
    assert "Invalid username or password" in refused.stderr
    assert wrong not in refused.stderr

    commands = KafkaCommands(fleet.runtime())
    with pytest.raises(Unavailable, match="Kafka does not answer") as raised:
        await commands.send(COMMAND)
    assert wrong not in str(raised.value)
