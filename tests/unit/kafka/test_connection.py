"""One connection to Kafka, as each of the three client libraries takes it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import aiokafka
import confluent_kafka
import faust
import pytest
from support.certificates import Authority, Identity

from ticketing.config import Config, validate
from ticketing.engine.app import create_app
from ticketing.kafka.connection import Connection
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.tokens import ClientTokens

PASSWORD = "a-password-that-nobody-sees"
SASL = {
    "brokers": "a:9092, b:9092",
    "securityProtocol": "SASL_PLAINTEXT",
    "saslMechanism": "SCRAM-SHA-512",
    "username": "ticketing",
    "password": PASSWORD,
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Identity:
    return authority.sign("client")


def connection(**kafka: Any) -> Connection:
    config = validate({"kafka": {"brokers": "a:9092", **kafka}})
    return Runtime.of(config).connection


def tls(authority: Authority, client: Identity, protocol: str = "SSL") -> dict[str, Any]:
    return {
        "securityProtocol": protocol,
        "caBundle": str(authority.bundle),
        "clientCertificate": str(client.certificate),
        "clientKey": str(client.key),
    }


class LoadedContext(ssl.SSLContext):
    """Remembers the certificate that it is to show."""

    shown: tuple[Any, ...] = ()

    def load_cert_chain(self, *arguments: Any, **_: Any) -> None:
        self.shown = arguments


@pytest.fixture
def watched_context(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*, cafile: Path | None) -> ssl.SSLContext:
        context = LoadedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile)
        return context

    monkeypatch.setattr(ssl, "create_default_context", made)


def test_plain_text_needs_nothing_but_the_address() -> None:
    plain = connection()
    assert plain.librdkafka() == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "PLAINTEXT",
    }
    assert plain.aiokafka() == {
        "bootstrap_servers": "a:9092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }
    assert plain.faust() is None


def test_librdkafka_gets_the_certificate_and_its_key(
    authority: Authority, client: Identity
) -> None:
    settings = connection(**tls(authority, client)).librdkafka()
    assert settings == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "SSL",
        "ssl.ca.location": str(authority.bundle),
        "ssl.certificate.location": str(client.certificate),
        "ssl.key.location": str(client.key),
    }
    confluent_kafka.Producer({**settings, "log_level": 0})


@pytest.mark.usefixtures("watched_context")
def test_aiokafka_and_faust_show_the_certificate(authority: Authority, client: Identity) -> None:
    secured = connection(**tls(authority, client))
    credentials = secured.faust()
    assert isinstance(credentials, faust.SSLCredentials)
    for context in (secured.aiokafka()["ssl_context"], credentials.context):
        assert context.shown == (client.certificate, client.key)
        assert [found["subject"] for found in context.get_ca_certs()] == [
            ((("commonName", "authority"),),)
        ]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


@pytest.mark.usefixtures("watched_context")
def test_sasl_over_tls_shows_the_certificate_too(authority: Authority, client: Identity) -> None:
    secured = connection(**{**SASL, **tls(authority, client, "SASL_SSL")})
    assert secured.faust().ssl_context.shown == (client.certificate, client.key)
    assert secured.faust().protocol.value == "SASL_SSL"
    assert secured.aiokafka()["ssl_context"].shown == (client.certificate, client.key)
    assert secured.librdkafka()["ssl.certificate.location"] == str(client.certificate)


async def test_tokens_reach_every_client() -> None:
    secured = connection(
        **{**SASL, "saslMechanism": "OAUTHBEARER", "tokenUrl": "http://127.0.0.1:9/token"}
    )
    assert secured.librdkafka() == {
        "bootstrap.servers": "a:9092,b:9092",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "ticketing",
        "sasl.oauthbearer.client.secret": PASSWORD,
        "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/token",
    }
    confluent_kafka.Producer({**secured.librdkafka(), "log_level": 0})
    arguments = secured.aiokafka()
    assert arguments["sasl_mechanism"] == "OAUTHBEARER"
    assert isinstance(arguments["sasl_oauth_token_provider"], ClientTokens)
    assert "sasl_plain_password" not in arguments
    assert isinstance(secured.faust().oauth_cb, ClientTokens)
    assert PASSWORD not in repr(secured)


async def test_sasl_reaches_every_client() -> None:
    secured = connection(**SASL)
    assert secured.librdkafka() == {
        "bootstrap.servers": "a:9092,b:9092",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ticketing",
        "sasl.password": PASSWORD,
    }
    assert secured.aiokafka() == {
        "bootstrap_servers": "a:9092,b:9092",
        "security_protocol": "SASL_PLAINTEXT",
        "ssl_context": None,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ticketing",
        "sasl_plain_password": PASSWORD,
    }
    credentials = secured.faust()
    assert credentials.protocol.value == "SASL_PLAINTEXT"
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert (credentials.username, credentials.password) == ("ticketing", PASSWORD)
    await aiokafka.AIOKafkaProducer(**secured.aiokafka()).stop()


def test_an_app_gets_the_connections_credentials(tmp_path: Path) -> None:
    config = Config.model_validate({"dataDir": str(tmp_path), "kafka": SASL})
    app = create_app("an-app", config, batched=["in"], brokers=SASL["brokers"], partitions=4)
    assert app.conf.broker_credentials.username == "ticketing"
    assert [str(url) for url in app.conf.broker] == ["aiokafka://a:9092", "aiokafka://b:9092"]


def test_no_secret_stands_in_a_connections_repr() -> None:
    secured = connection(**SASL)
    assert "ticketing" in repr(secured)
    assert PASSWORD not in repr(secured)
    assert PASSWORD not in repr(secured.faust())
