"""The first contact with Kafka: reasons become settings to check, silence ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ticketing.errors import Unavailable
from ticketing.kafka import contact
from ticketing.kafka.contact import reach, refused, sentence
from ticketing.kafka.embedded import EmbeddedBroker

CLIENT = {"bootstrap.servers": "kafka:9092", "log_level": 2}
REASONS = {
    "kafka:9092: SASL authentication error: Invalid username or password": "kafka.password",
    "kafka:9092: SSL handshake failed: certificate verify failed: self-signed": "kafka.caBundle",
    "SSL handshake failed: ssl/tls alert bad certificate": "kafka.clientCertificate",
    "Disconnected: might be caused by incorrect security.protocol": "kafka.securityProtocol",
    "SSL handshake failed: wrong version number": "kafka.securityProtocol",
    "Broker's mechanisms: PLAIN; unsupported SASL mechanism": "kafka.saslMechanism",
    "Failed to acquire SASL OAUTHBEARER token: Failed to retrieve OIDC token": "kafka.tokenUrl",
}
"""Reasons as librdkafka words them, and a setting to check."""


@pytest.mark.parametrize(("reason", "key"), REASONS.items())
def test_a_refusal_names_the_settings_to_check(reason: str, key: str) -> None:
    assert key in (refused(reason) or "")
    told = sentence(["Connect to ipv4#10.0.0.1:9092 failed", reason], "_TRANSPORT", "kafka:9092")
    assert told.startswith(f"Kafka does not answer ({reason}): check kafka.")
    assert key in told


def test_an_outage_is_no_refusal() -> None:
    reason = "kafka:9092: Connect to ipv4#10.0.0.1:9092 failed: Connection refused"
    assert refused(reason) is None
    told = sentence([reason], "_TRANSPORT", "kafka:9092")
    assert told == f"Kafka does not answer ({reason}): check kafka.brokers"


def test_silence_names_the_address() -> None:
    told = sentence([], "_TIMED_OUT", "kafka:9092")
    assert told.startswith("Kafka does not answer (_TIMED_OUT, kafka:9092 says nothing)")
    assert told.endswith(": check kafka.brokers and kafka.securityProtocol")


def test_a_broker_that_answers_is_reached() -> None:
    broker = EmbeddedBroker()
    reach({**CLIENT, "bootstrap.servers": broker.address})


@pytest.fixture
def closed() -> Iterator[dict[str, Any]]:
    """A client of a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield {**CLIENT, "bootstrap.servers": f"127.0.0.1:{held.getsockname()[1]}"}


def test_a_port_without_a_broker_is_named_with_its_reason(closed: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match=r"Connection refused.*check kafka\.brokers"):
        reach(closed, seconds=0)


class Broker:
    """A client whose looks end as told: with a reason, or well."""

    def __init__(self, looks: list[str | None]) -> None:
        self.looks = looks
        self._note: Callable[[KafkaError], None] = lambda _: None

    def __call__(self, settings: dict[str, Any]) -> Broker:
        self._note = settings["error_cb"]
        return self

    def list_topics(self, timeout: float) -> None:
        reason = self.looks.pop(0)
        if reason is not None:
            self._note(KafkaError(KafkaError._TRANSPORT, reason))
            self._note(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def poll(self, timeout: float) -> int:
        return 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Broker]:
    def made(*ends: str | None) -> Broker:
        broker = Broker(list(ends))
        monkeypatch.setattr(contact, "AdminClient", broker)
        monkeypatch.setattr(contact.time, "sleep", lambda _: None)
        return broker

    return made


def test_an_outage_is_waited_for_and_told_at_each_look(looks: Callable[..., Broker]) -> None:
    broker = looks("Connection refused", "Connection refused", None)
    told: list[str] = []
    reach(CLIENT, seconds=60, waiting=told.append)
    assert broker.looks == []
    assert told == ["Kafka does not answer (Connection refused): check kafka.brokers"] * 2


def test_a_refusal_is_not_waited_for(looks: Callable[..., Broker]) -> None:
    broker = looks("SASL authentication error: no", None)
    told: list[str] = []
    with pytest.raises(Unavailable, match=r"check kafka\.username and kafka\.password"):
        reach(CLIENT, seconds=60, waiting=told.append)
    assert broker.looks == [None]
    assert told == []
