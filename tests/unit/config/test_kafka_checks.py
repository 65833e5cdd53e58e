"""Certificates that can't be used are named before anything connects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority, Identity

from ticketing.config import validate
from ticketing.errors import Misconfigured


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Identity:
    return authority.sign("client")


def problems(**kafka: Any) -> list[str]:
    given = {"brokers": "a:9092", "securityProtocol": "SSL", **kafka}
    try:
        validate({"kafka": {name: str(value) for name, value in given.items()}})
    except Misconfigured as error:
        return error.problems
    return []


def test_a_certificate_and_its_key_are_fine(authority: Authority, client: Identity) -> None:
    assert not problems(
        caBundle=authority.bundle, clientCertificate=client.certificate, clientKey=client.key
    )


def test_a_certificate_without_its_key_is_refused(client: Identity) -> None:
    assert problems(clientCertificate=client.certificate) == [
        "kafka.clientCertificate: must be set together with clientKey"
    ]


def test_a_certificate_without_tls_is_refused(client: Identity) -> None:
    for protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
        said = problems(
            securityProtocol=protocol, clientCertificate=client.certificate, clientKey=client.key
        )
        assert "kafka.securityProtocol: must be SSL or SASL_SSL with a clientCertificate" in said


def test_another_certificates_key_is_refused(authority: Authority, client: Identity) -> None:
    other = authority.sign("other")
    assert problems(clientCertificate=client.certificate, clientKey=other.key) == [
        f'kafka.clientKey: "{other.key}" is not the key of clientCertificate'
    ]


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(
    authority: Authority, client: Identity
) -> None:
    locked = authority.encrypted(client)
    assert problems(clientCertificate=client.certificate, clientKey=locked.key) == [
        f'kafka.clientKey: "{locked.key}" holds no private key (PEM) without a password'
    ]


def test_files_without_a_certificate_are_refused(client: Identity, tmp_path: Path) -> None:
    text = tmp_path / "notes.pem"
    text.write_text("a note")
    assert problems(caBundle=text) == [f'kafka.caBundle: "{text}" holds no certificate (PEM)']
    assert problems(clientCertificate=text, clientKey=client.key) == [
        f'kafka.clientCertificate: "{text}" holds no certificate (PEM)'
    ]


def test_missing_files_are_named(client: Identity, tmp_path: Path) -> None:
    gone = tmp_path / "gone.pem"
    assert problems(caBundle=gone) == [f'kafka.caBundle: file not found: "{gone}"']
    assert problems(clientCertificate=client.certificate, clientKey=gone) == [
        f'kafka.clientKey: file not found: "{gone}"'
    ]


def test_tokens_need_the_address_that_gives_them() -> None:
    login = {"securityProtocol": "SASL_SSL", "username": "id", "password": "a-secret"}
    tokens = {**login, "saslMechanism": "OAUTHBEARER"}
    assert problems(**tokens) == ["kafka.tokenUrl: is required with saslMechanism OAUTHBEARER"]
    assert not problems(**tokens, tokenUrl="https://login.example.com/token")
    assert problems(**login, saslMechanism="PLAIN", tokenUrl="https://a.example/token") == [
        "kafka.saslMechanism: must be OAUTHBEARER with a tokenUrl"
    ]
