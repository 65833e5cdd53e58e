"""A broker that asks who is there: with a certificate, or a password, the whole job works.

Each of the three client libraries connects: librdkafka makes the topics, Faust runs the pipeline and
the view, and aiokafka sends the API's command.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer
from support.fleet import INPUT, PARTITIONS, Fleet
from support.logs import log
from support.secured_kafka import PASSWORD, SCRAM_USERNAME, USERNAME, SecuredKafka
from support.tokens import CLIENT_ID, CLIENT_SECRET, SCOPE, IdentityProvider
from support.waiting import wait_for

from ticketing.api.server import KafkaCommands
from ticketing.config.process import Kafka
from ticketing.domain.events import Action, Command
from ticketing.errors import Unavailable
from ticketing.kafka.connection import Connection
from ticketing.roles import access_of, access_of_setup
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


def with_scram(broker: SecuredKafka) -> dict[str, str]:
    broker.add_scram_user()
    scram = {"saslMechanism": "SCRAM-SHA-512", "username": SCRAM_USERNAME}
    return {**with_password(broker), **scram}


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


@pytest.mark.parametrize("credentials", [with_certificate, with_password, with_scram])
def test_the_job_works_with_credentials(
    fleet: Fleet, secured: SecuredKafka, credentials: Any
) -> None:
    fleet.configure(kafka=credentials(secured))
    made = run(fleet, "topics", "create")
    assert made.returncode == 0, made.stderr
    assert f"created {INCIDENTS}" in made.stdout

    work(fleet)


def with_token(broker: SecuredKafka, provider: IdentityProvider) -> dict[str, str]:
    return {
        **with_password(broker),
        "saslMechanism": "OAUTHBEARER",
        "username": CLIENT_ID,
        "password": CLIENT_SECRET,
        "tokenUrl": provider.url,
        "tokenScope": SCOPE,
    }


def test_the_job_works_with_tokens_and_tells_of_wrong_credentials(
    fleet: Fleet, secured: SecuredKafka
) -> None:
    with IdentityProvider() as provider:
        fleet.configure(kafka=with_token(secured, provider))
        made = run(fleet, "topics", "create")
        assert made.returncode == 0, made.stderr
        work(fleet)
        assert provider.asked > 2, "each of the client libraries has asked"
        fleet.configure(kafka={"password": "a-wrong-secret"})
        refused = run(fleet, "topics", "check")
        assert refused.returncode == 1
        assert "check kafka.tokenUrl, kafka.username and kafka.password" in refused.stderr
        assert "a-wrong-secret" not in refused.stderr


def work(fleet: Fleet) -> None:
    """Count records, show their incident, take a command for it."""
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


def plain(broker: SecuredKafka) -> dict[str, str]:
    return {"brokers": broker.ssl_address}


def encrypted_at_the_plain_port(broker: SecuredKafka) -> dict[str, str]:
    return {**anonymous(broker), "brokers": broker.address}


def with_an_unknown_authority(broker: SecuredKafka) -> dict[str, str]:
    return {**with_certificate(broker), "caBundle": ssl.get_default_verify_paths().openssl_cafile}


def with_a_wrong_password(broker: SecuredKafka) -> dict[str, str]:
    return {**with_password(broker), "password": "wrong"}


def with_another_mechanism(broker: SecuredKafka) -> dict[str, str]:
    return {**with_password(broker), "saslMechanism": "SCRAM-SHA-256"}


@pytest.mark.parametrize(
    ("credentials", "keys"),
    [
        (anonymous, "kafka.clientCertificate and kafka.clientKey"),
        (plain, "kafka.brokers and kafka.securityProtocol"),
        (encrypted_at_the_plain_port, "kafka.securityProtocol"),
        (with_an_unknown_authority, "kafka.caBundle"),
        (with_a_wrong_password, "kafka.username and kafka.password"),
        (with_another_mechanism, "kafka.saslMechanism"),
    ],
)
def test_a_refusal_names_the_settings_to_check(
    fleet: Fleet, secured: SecuredKafka, credentials: Any, keys: str
) -> None:
    fleet.configure(kafka=credentials(secured))
    refused = run(fleet, "topics", "create")
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith(f": check {keys}")


@pytest.fixture
def authorizing(tmp_path: Path) -> Iterator[SecuredKafka]:
    broker = SecuredKafka(tmp_path, authorizes=True)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


def test_a_user_with_the_documented_rights_is_enough(
    authorizing: SecuredKafka, tmp_path: Path
) -> None:
    authorizing.create(INPUT, PARTITIONS)
    authorizing.give_rights(USERNAME)
    with Fleet(authorizing, tmp_path) as fleet:
        fleet.configure(kafka=with_password(authorizing))
        made = run(fleet, "topics", "create")
        assert made.returncode == 0, made.stderr
        assert run(fleet, "topics", "check").stderr.count("not checked") == 0
        work(fleet)
        worker = fleet.workers["a"]
        assert "AuthorizationFailed" not in worker.log("pipeline") + worker.log("view")


def test_every_role_works_with_a_user_of_its_own_rights(
    authorizing: SecuredKafka, tmp_path: Path
) -> None:
    authorizing.create(INPUT, PARTITIONS)
    with Fleet(authorizing, tmp_path) as fleet:
        sandbox = fleet.with_sandbox("slack")
        fleet.configure(routing={"critical": ["slack"]}, traces={"enabled": False})
        runtime = fleet.runtime()
        fleet.configure(kafka=with_password(authorizing))

        def user(role: str) -> dict[str, Any]:
            return {"username": f"{USERNAME}-{role}"}

        authorizing.grant(user("setup")["username"], access_of_setup(runtime))
        for role in ("pipeline", "view", "slack"):
            authorizing.grant(user(role)["username"], access_of(role, runtime))
        as_role = fleet.config["kafka"]
        fleet.configure(kafka=user("setup"))
        made = run(fleet, "topics", "create")
        assert made.returncode == 0, made.stderr
        fleet.config["kafka"] = as_role

        workers = {
            role: fleet.worker(role, role, kafka=user(role))
            for role in ("pipeline", "view", "slack")
        }
        for worker in workers.values():
            worker.wait_ready()
        fleet.feed([log(level="FATAL")] * 10)
        fleet.feed(["no JSON"])
        (incident,) = fleet.wait_counted(10).values()
        wait_for(sandbox.tickets, "the ticket")
        view = workers["view"]
        wait_for(view.incidents, "the incident in the API")
        status, body = view.post(f"/api/incidents/{incident.id}/acknowledge")
        assert (status, body["status"]) == (200, "acknowledged")

        def dead_letters() -> list[Any]:
            code, found = view.get("/api/v1/dead-letters")
            assert code == 200, found
            return list(found)

        wait_for(dead_letters, "the dead letter in the API")
        said = "".join(worker.log(role) for role, worker in workers.items())
        assert "uthorization" not in said
        assert "not allow" not in said


def test_a_role_forges_nothing_of_another(authorizing: SecuredKafka, tmp_path: Path) -> None:
    """A role's user writes the topics of its own work and no other: what it decides is all it can."""
    with Fleet(authorizing, tmp_path) as fleet:
        fleet.with_sandbox("slack", "jira")
        runtime = fleet.runtime()
        fleet.create_topics()
        topics = {spec.name for spec in runtime.topic_specs()}
        for role in ("view", "slack"):
            name = f"{USERNAME}-{role}"
            grants = access_of(role, runtime)
            authorizing.grant(name, grants)
            own = topics & {one.name for one in grants if "Write" in one.operations}
            for topic in own:
                wait_for(
                    partial(writes, authorizing, name, topic), f"the right of {role} on {topic}"
                )
            others = topics - own
            # The API sends dead letters of a platform back to its topic.
            assert {INCIDENTS, *(["ticketing-jira"] if role != "view" else [])} <= others
            assert not [topic for topic in others if writes(authorizing, name, topic)]


def writes(broker: SecuredKafka, username: str, topic: str) -> bool:
    """Whether a user's record is taken into a topic."""
    section = {**with_password(broker), "username": username}
    connection = Connection.of(Kafka.model_validate(section), section["brokers"])
    errors: list[Any] = []
    producer = Producer(connection.librdkafka())
    # Compacted topics take no record without a key.
    producer.produce(topic, b"{}", b"key", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30.0) == 0
    (error,) = errors
    assert error is None or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, error
    return error is None


def test_a_user_without_rights_is_told(authorizing: SecuredKafka, tmp_path: Path) -> None:
    with Fleet(authorizing, tmp_path) as fleet:
        fleet.configure(kafka=with_password(authorizing))
        refused = run(fleet, "topics", "create")
    assert refused.returncode == 2
    assert "authorization failed" in refused.stderr.lower()
    assert "Traceback" not in refused.stderr
