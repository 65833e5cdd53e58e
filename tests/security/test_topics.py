"""Forged records in internal topics: Kafka's ACLs are the guard, one record alone ends no process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ticketing.access import audit_topic
from ticketing.access.token_topic import TokenTopic
from ticketing.config import Config, validate
from ticketing.dead_letters import reading
from ticketing.errors import Misconfigured
from ticketing.kafka import registry, writer
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.settings_topic import SettingsTopic
from ticketing.view.following import _read as read_entry
from ticketing.view.query import read_listed
from ticketing.wire.notes import decode_counted, decode_tally
from ticketing.wire.pulses import decode_pulse
from ticketing.wire.settings import ChangedSettings
from ticketing.wire.topics import AUDIT, DEAD_LETTERS, REGISTRY, SETTINGS, TOKENS

DEEP = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
FORGED = [b"", b"\xff\xfe", b"[]", b"null", b'{"at": "x", "id": 5}', DEEP]
JIRA = {
    "enabled": True,
    "baseUrl": "https://jira.test",
    "projectKey": "OPS",
    "userEmail": "a@b.test",
    "apiToken": "jira-planted-secret",
}


@pytest.fixture(scope="module")
def forged() -> Runtime:
    """An installation with forged records in topics that every process reads."""
    runtime = Runtime.of(Config.model_validate({"kafka": {"brokers": "embedded"}}))
    runtime.ensure_topics()
    records = {f"forged-{number}": value for number, value in enumerate(FORGED)}
    for topic in (AUDIT, DEAD_LETTERS, REGISTRY, SETTINGS, TOKENS):
        writer.write(runtime, topic, records, "a test", 0)
    return runtime


def letters(runtime: Runtime) -> int:
    wanted = reading.Wanted()
    return len(list(reading.every(runtime, wanted)))


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda runtime: TokenTopic(runtime).read().by_id, {}),
        (lambda runtime: audit_topic.page(runtime, lambda _: True, 50).entries, []),
        (lambda runtime: SettingsTopic(runtime).read(), ChangedSettings()),
        (letters, len(FORGED)),
        (lambda runtime: [name for name in registry.read(runtime) if "forged" in name], []),
    ],
)
def test_a_forged_record_does_not_keep_others_from_being_read(
    forged: Runtime, read: Callable[[Runtime], Any], found: Any
) -> None:
    assert read(forged) == found


@pytest.mark.parametrize("value", [one for one in FORGED if one])
@pytest.mark.parametrize("read", [decode_pulse, read_entry, read_listed])
def test_a_forged_value_is_none(value: bytes, read: Callable[[bytes], Any]) -> None:
    assert read(value) is None


@pytest.mark.parametrize("read", [decode_tally, decode_counted])
def test_a_forged_note_of_an_offset_is_none(read: Callable[[str], Any]) -> None:
    assert read(DEEP.decode()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"web": {"token": None}},
        {"access": {"enforced": False}},
        {"kafka": {"brokers": "evil.test:9092"}},
        {"redis": {"url": "redis://evil.test"}},
        {"telemetry": {"otlp": {"endpoint": "https://evil.test"}}},
        {"heartbeatUrl": "https://evil.test"},
        {"anomaly": {"minimumScore": 0.9}, "dataDir": "/tmp/evil"},
        {"jira": {"baseUrl": "https://evil.test"}},
        {"jira": {"baseUrl": "https://evil.test", "apiToken": "evil"}},
        {"slack": {"enabled": True, "webhookUrl": "https://evil.test/services/T0/B0/x"}},
    ],
)
def test_forged_changes_neither_open_a_door_nor_send_a_secret_elsewhere(
    changes: dict[str, Any],
) -> None:
    runtime = Runtime(validate({"jira": JIRA}), "127.0.0.1:9", embedded=False)
    with pytest.raises(Misconfigured):
        runtime.with_changes(ChangedSettings(revision=7, changes=changes))
