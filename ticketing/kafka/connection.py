"""The connection to Kafka, rendered for each of the three client libraries."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ticketing.config.process import Kafka
from ticketing.config.values import reveal
from ticketing.kafka.tokens import ClientTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Address, encryption and credentials of every connection to Kafka."""

    brokers: str
    """`host:port,host:port`."""
    security_protocol: str
    """One of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL."""
    ca_bundle: Path | None
    """CA certificates (PEM) to trust instead of the system's."""
    client_certificate: Path | None
    client_key: Path | None
    """The client's certificate and its key (PEM, not encrypted); both or neither."""
    sasl_mechanism: str | None
    username: str | None
    password: str = field(repr=False)
    token_url: str | None
    token_scope: str | None
    """Of OAUTHBEARER, whose user and password are the client's id and secret."""

    @classmethod
    def of(cls, kafka: Kafka, brokers: str) -> Connection:
        """The configured connection, to `brokers`, which differ for the embedded broker."""
        return cls(
            brokers=",".join(broker.strip() for broker in brokers.split(",")),
            security_protocol=kafka.security_protocol,
            ca_bundle=kafka.ca_bundle,
            client_certificate=kafka.client_certificate,
            client_key=kafka.client_key,
            sasl_mechanism=kafka.sasl_mechanism,
            username=kafka.username,
            password=reveal(kafka.password),
            token_url=kafka.token_url,
            token_scope=kafka.token_scope,
        )

    @property
    def encrypted(self) -> bool:
        """True for the protocols over TLS."""
        return self.security_protocol.endswith("SSL")

    @property
    def authenticated(self) -> bool:
        """True for the protocols with SASL."""
        return self.security_protocol.startswith("SASL")

    @property
    def by_token(self) -> bool:
        """True for tokens in place of a password."""
        return self.authenticated and self.sasl_mechanism == "OAUTHBEARER"

    def librdkafka(self) -> dict[str, Any]:
        """Settings for the clients of confluent-kafka, the password among them."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.brokers,
            "security.protocol": self.security_protocol,
        }
        if self.encrypted:
            files = {
                "ssl.ca.location": self.ca_bundle,
                "ssl.certificate.location": self.client_certificate,
                "ssl.key.location": self.client_key,
            }
            settings |= {name: str(path) for name, path in files.items() if path is not None}
        if self.authenticated:
            settings["sasl.mechanism"] = self.sasl_mechanism
            settings |= self._librdkafka_tokens() if self.by_token else self._librdkafka_password()
        return settings

    def _librdkafka_password(self) -> dict[str, Any]:
        return {"sasl.username": self.username, "sasl.password": self.password}

    def _librdkafka_tokens(self) -> dict[str, Any]:
        settings = {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": self.username,
            "sasl.oauthbearer.client.secret": self.password,
            "sasl.oauthbearer.token.endpoint.url": self.token_url,
            "sasl.oauthbearer.scope": self.token_scope,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def aiokafka(self) -> dict[str, Any]:
        """Arguments for the clients of aiokafka, the password among them."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.brokers,
            "security_protocol": self.security_protocol,
            "ssl_context": self._ssl_context(),
        }
        if self.by_token:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_oauth_token_provider": self._tokens(),
            }
        elif self.authenticated:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return arguments

    def faust(self) -> Any:
        """Credentials for a Faust app (`broker_credentials`); None for plain text."""
        # Imported here, as other commands need no Faust and should not wait for its import.
        from faust import SASLCredentials, SSLCredentials
        from faust.auth import OAuthCredentials

        context = self._ssl_context()
        if self.by_token:
            return OAuthCredentials(oauth_cb=self._tokens(), ssl_context=context)
        if self.authenticated:
            return SASLCredentials(
                username=self.username,
                password=self.password,
                mechanism=self.sasl_mechanism,
                ssl_context=context,
            )
        return None if context is None else SSLCredentials(context=context)

    def _tokens(self) -> ClientTokens:
        return ClientTokens(
            self.token_url or "", self.username or "", self.password, self.token_scope
        )

    def _ssl_context(self) -> ssl.SSLContext | None:
        if not self.encrypted:
            return None
        context = ssl.create_default_context(cafile=self.ca_bundle)
        if self.client_certificate is not None:
            # Given a password, OpenSSL refuses an encrypted key instead of asking on the terminal.
            context.load_cert_chain(self.client_certificate, self.client_key, password="")
        return context
