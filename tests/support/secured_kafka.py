"""A broker that lets nobody in without a certificate, or without a password."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from support.certificates import Authority
from support.kafka import ADMIN_SECONDS_MAX, JavaKafka, apache_kafka, formatted
from support.requirements import free_port

from ticketing.kafka.access import CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE, Grant

USERNAME = "ticketing"
PASSWORD = "a-password-of-the-tests"
ROLE_USERS = tuple(f"{USERNAME}-{role}" for role in ("setup", "pipeline", "view", "slack"))
# Kafka assumes it of the controller's listener only where no other protocol is in use.
PROTOCOLS = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
TOKEN_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
"""By default it takes tokens without a signature, which are for tests alone."""
SCRAM_USERNAME = "ticketing-scram"
SCRAM_ITERATIONS = 4096
"""Kafka's own least."""
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
RIGHTS = (
    # As docs/configuration.md lists them.
    (
        *(ResourceType.TOPIC, "ticketing-", ResourcePatternType.PREFIXED),
        ("READ", "WRITE", "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS"),
    ),
    (
        *(ResourceType.TOPIC, "enriched-logs", ResourcePatternType.LITERAL),
        ("READ", "DESCRIBE", "DESCRIBE_CONFIGS"),
    ),
    (ResourceType.GROUP, "ticketing", ResourcePatternType.PREFIXED, ("READ", "DESCRIBE")),
)
"""The rights of the agent's user: kind, name and pattern of what it may use, and the operations."""
OPERATIONS = {
    READ: "READ",
    WRITE: "WRITE",
    CREATE: "CREATE",
    DESCRIBE: "DESCRIBE",
    DESCRIBE_CONFIGS: "DESCRIBE_CONFIGS",
}
"""Kafka's words for its tool, and those of its protocol."""
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


class SecuredKafka(JavaKafka):
    """Beside the plain listener, which is the tests' own, one for certificates and one for SASL."""

    def __init__(self, directory: Path, *, authorizes: bool = False) -> None:
        """`authorizes` lets users do what they have rights for; on the plain listener, everything."""
        authorizing = {"authorizer.class.name": AUTHORIZER, "super.users": "User:ANONYMOUS"}
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
                "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512,OAUTHBEARER",
                "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config": f"{TOKEN_MODULE} required;",
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{SCRAM_MODULE} required;",
                **(authorizing if authorizes else {}),
                "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                    f"{LOGIN_MODULE} required "
                    + " ".join(f'user_{name}="{PASSWORD}"' for name in (USERNAME, *ROLE_USERS))
                    + ";"
                ),
            },
        )

    def add_scram_user(self) -> None:
        """Make the user of SCRAM."""
        wanted = UserScramCredentialUpsertion(
            SCRAM_USERNAME,
            ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS),
            PASSWORD.encode(),
        )
        for future in self.admin.alter_user_scram_credentials([wanted]).values():
            future.result(ADMIN_SECONDS_MAX)

    def give_rights(self, username: str) -> None:
        """Give a user the agent's rights, and no others."""
        self._allow(username, RIGHTS)

    def grant(self, username: str, grants: Iterable[Grant]) -> None:
        """Give a user these rights."""
        prefixed, literal = ResourcePatternType.PREFIXED, ResourcePatternType.LITERAL
        self._allow(
            username,
            [
                (
                    ResourceType[one.kind.upper()],
                    one.name,
                    prefixed if one.prefixed else literal,
                    tuple(OPERATIONS[operation] for operation in one.operations),
                )
                for one in grants
            ],
        )

    def _allow(self, username: str, rights: Iterable[Any]) -> None:
        wanted = [
            AclBinding(
                *(kind, name, pattern, f"User:{username}", "*"),
                *(AclOperation[operation], AclPermissionType.ALLOW),
            )
            for kind, name, pattern, operations in rights
            for operation in operations
        ]
        for future in self.admin.create_acls(wanted).values():
            future.result(ADMIN_SECONDS_MAX)
