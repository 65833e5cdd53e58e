"""The first contact with Kafka: an answer, or a sentence with the reason and the settings to check."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from ticketing.errors import Unavailable

COMMAND_SECONDS_MAX = 6.0
"""The end of a person's patience, who sees nothing meanwhile; a broker that runs answers at once."""
WORKER_SECONDS_MAX = 30.0
"""Time for a broker that is just starting, as beside a worker in a fresh installation."""
LOOK_SECONDS = 1.0
"""One look; a worker that waits says so as often."""
_STATE = re.compile(r" \(after .*\)$")
"""librdkafka's connection state, of no use to an operator."""
_PLACE = re.compile(r"^\[thrd:[^\]]*\]: |/bootstrap(?=: )")
_REFUSALS = (
    # By words of librdkafka's reasons, the more telling ones first.
    ("hostname mismatch", "kafka.brokers (the names in the broker's certificate)"),
    ("ip address mismatch", "kafka.brokers (the names in the broker's certificate)"),
    ("wrong version number", "kafka.securityProtocol"),
    ("security.protocol", "kafka.securityProtocol"),
    ("broker listener?", "kafka.securityProtocol"),
    ("certificate verify failed", "kafka.caBundle"),
    ("broker certificate could not be verified", "kafka.caBundle"),
    ("mechanism", "kafka.saslMechanism"),
    ("oauthbearer token", "kafka.tokenUrl, kafka.username and kafka.password"),
    ("authentication", "kafka.username and kafka.password"),
    ("alert", "kafka.clientCertificate and kafka.clientKey"),
)
"""Reasons that another attempt does not change, each with the settings to check."""


def reach(
    client: Mapping[str, Any],
    *,
    seconds: float | None = None,
    waiting: Callable[[str], None] | None = None,
) -> None:
    """Return once Kafka answers; raises Unavailable with the reason and the settings to check.

    `client` holds librdkafka settings. A refusal ends the wait at once, silence after `seconds`
    (COMMAND_SECONDS_MAX). `waiting` is called with the sentence once a second meanwhile.
    """
    reasons: list[str] = []

    def note(error: KafkaError) -> None:
        if error.name() != "_ALL_BROKERS_DOWN":
            reasons.append(_PLACE.sub("", _STATE.sub("", error.str())))

    admin = AdminClient({**client, "error_cb": note})
    deadline = time.monotonic() + (COMMAND_SECONDS_MAX if seconds is None else seconds)
    while True:
        began = time.monotonic()
        try:
            admin.list_topics(timeout=LOOK_SECONDS)
        except KafkaException as error:
            # The exception says only that no answer came in time; the cause is reported here.
            admin.poll(0)
            told = sentence(reasons, error.args[0].name(), str(client["bootstrap.servers"]))
            if any(refused(reason) for reason in reasons) or time.monotonic() >= deadline:
                raise Unavailable(told) from None
        else:
            return
        if waiting is not None:
            waiting(told)
        time.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - began)))


def refused(reason: str) -> str | None:
    """The settings to check for a reason that stays; None for one that may pass."""
    lowered = reason.lower()
    return next((keys for words, keys in _REFUSALS if words in lowered), None)


def sentence(reasons: list[str], name: str, brokers: str) -> str:
    """Why Kafka does not answer, by the most telling reason, and the settings to check."""
    for reason in reasons:
        keys = refused(reason)
        if keys is not None:
            return f"Kafka does not answer ({reason}): check {keys}"
    if reasons:
        return f"Kafka does not answer ({reasons[-1]}): check kafka.brokers"
    # A broker that expects TLS just closes a connection without.
    keys = "kafka.brokers and kafka.securityProtocol"
    return f"Kafka does not answer ({name}, {brokers} says nothing): check {keys}"
