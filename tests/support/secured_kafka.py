"""A broker that lets nobody in without a certificate, or without a password."""

from __future__ import annotations

from pathlib import Path

from support.certificates import Authority
from support.kafka import JavaKafka, apache_kafka, formatted
from support.requirements import free_port

USERNAME = "ticketing"
PASSWORD = "a-password-of-the-tests"
# Kafka assumes it of the controller's listener only where no other protocol is in use.
PROTOCOLS = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL"
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


class SecuredKafka(JavaKafka):
    """Beside the plain listener, which is the tests' own, one for certificates and one for SASL."""

    def __init__(self, directory: Path) -> None:
        libraries = apache_kafka()
        self.authority = Authority(directory / "certificates")
        """Whom the broker trusts, and who has signed its certificate."""
        self.ssl_address = f"127.0.0.1:{free_port()}"
        """Asks for a client's certificate."""
        self.sasl_address = f"127.0.0.1:{free_port()}"
        """Asks for a user and a password (PLAIN), over TLS."""
        keystore = directory / "broker.pem"
        keystore.write_text(self.authority.sign("broker").pem)
        super().__init__(
            libraries,
            formatted(libraries),
            listeners={"SSL": self.ssl_address, "SASL_SSL": self.sasl_address},
            settings={
                "listener.security.protocol.map": PROTOCOLS,
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(keystore),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.authority.bundle),
                "listener.name.ssl.ssl.client.auth": "required",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                    f'{LOGIN_MODULE} required user_{USERNAME}="{PASSWORD}";'
                ),
            },
        )
