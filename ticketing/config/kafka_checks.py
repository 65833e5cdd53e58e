"""Checks across the settings of Kafka, and of the certificate files."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from ticketing.config.problems import Problem, nearest
from ticketing.config.process import EMBEDDED, EMBEDDED_PARTITIONS, Kafka

_BROKER = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


def kafka_problems(kafka: Kafka) -> Iterator[Problem]:
    """The contradictions of a well-formed section."""
    yield from _brokers(kafka)
    if kafka.embedded and kafka.partitions != EMBEDDED_PARTITIONS:
        text = f"must be {EMBEDDED_PARTITIONS} with the embedded broker"
        yield Problem(("kafka", "partitions"), text)
    if kafka.embedded and kafka.security_protocol != "PLAINTEXT":
        yield Problem(("kafka", "securityProtocol"), "must be PLAINTEXT with the embedded broker")
    if kafka.replication_factor == 0:
        yield Problem(("kafka", "replicationFactor"), "must be -1 or at least 1, not 0")
    yield from _sasl(kafka)
    if kafka.token_url is not None and kafka.sasl_mechanism != "OAUTHBEARER":
        yield Problem(("kafka", "saslMechanism"), "must be OAUTHBEARER with a tokenUrl")
    yield from _certificates(kafka)


def _brokers(kafka: Kafka) -> Iterator[Problem]:
    if kafka.embedded:
        return
    for broker in kafka.brokers.split(","):
        match = _BROKER.fullmatch(broker.strip())
        if match is None or not 0 < int(match[2]) < 65536:
            near = nearest(kafka.brokers, [EMBEDDED])
            text = 'must be "host:port,host:port" or "embedded"'
            yield Problem(
                ("kafka", "brokers"), text + (f'; did you mean "{near}"?' if near else "")
            )
            return


def _sasl(kafka: Kafka) -> Iterator[Problem]:
    if kafka.security_protocol.startswith("SASL"):
        for key, given in (
            ("saslMechanism", kafka.sasl_mechanism),
            ("username", kafka.username),
            ("password", kafka.password),
        ):
            if given is None:
                yield Problem(("kafka", key), f"is required with {kafka.security_protocol}")
        if kafka.sasl_mechanism == "OAUTHBEARER" and kafka.token_url is None:
            yield Problem(("kafka", "tokenUrl"), "is required with saslMechanism OAUTHBEARER")
    elif kafka.sasl_mechanism or kafka.password:
        yield Problem(
            ("kafka", "securityProtocol"), "must be SASL_SSL or SASL_PLAINTEXT with SASL settings"
        )


def _certificates(kafka: Kafka) -> Iterator[Problem]:
    certificate, key = kafka.client_certificate, kafka.client_key
    if (certificate is None) != (key is None):
        yield Problem(("kafka", "clientCertificate"), "must be set together with clientKey")
    if certificate is not None and not kafka.security_protocol.endswith("SSL"):
        yield Problem(
            ("kafka", "securityProtocol"), "must be SSL or SASL_SSL with a clientCertificate"
        )
    wrong = {
        name: text
        for name, path in (("caBundle", kafka.ca_bundle), ("clientCertificate", certificate))
        if path is not None and (text := _certificate_fault(path))
    }
    if key is not None and (text := _key_fault(key, None if wrong else certificate)):
        wrong["clientKey"] = text
    for name, text in wrong.items():
        yield Problem(("kafka", name), text)


def _certificate_fault(path: Path) -> str:
    """The fault of a certificate file; empty without one."""
    if not path.is_file():
        return f'file not found: "{path}"'
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return f'"{path}" holds no certificate (PEM)'
    except OSError as error:
        return f'"{path}" can\'t be read: {error.strerror}'
    return ""


def _key_fault(path: Path, certificate: Path | None) -> str:
    """The fault of a key file, empty without one; without a certificate only its absence."""
    if not path.is_file():
        return f'file not found: "{path}"'
    if certificate is None:
        return ""
    try:
        # Given a password, OpenSSL refuses an encrypted key instead of asking on the terminal.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(certificate, path, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f'"{path}" is not the key of clientCertificate'
        return f'"{path}" holds no private key (PEM) without a password'
    except OSError as error:
        return f'"{path}" can\'t be read: {error.strerror}'
    return ""
